import type { Socket } from 'node:net';
import { CHANNEL_TEXT_BYTES } from '@reeve/contract';
import { encode, LineSplitter } from '@reeve/host';

/** A message longer than this ends the channel: it would have to be held whole to find its end. Bytes. */
const LONGEST_LINE = 1024 * 1024;
/** So many messages of a run are written down at once, and so many a second after that; the others are counted. */
const BURST = 50;
const PER_SECOND = 10;
/** A message of Node's own protocol with a handle: the sender waits for the answer. Source: lib/internal/child_process.js. */
const HANDLE = 'NODE_HANDLE';
const HANDLE_TAKEN = { cmd: 'NODE_HANDLE_ACK' };

/** `message` undefined: the channel has ended. */
export type HeardMessage = (message: unknown, lost: number) => void;

/** Our end of a run's Node channel: JSON lines, as `process.send` writes them. Handles that come with one are dropped. */
export class IpcChannel {
  readonly #socket: Socket;
  readonly #hear: HeardMessage;
  readonly #splitter = new LineSplitter(LONGEST_LINE);
  #tokens = BURST;
  #filledAt = performance.now();
  #lost = 0;
  #isOpen = true;

  constructor(socket: Socket, hear: HeardMessage) {
    this.#socket = socket;
    this.#hear = hear;
    socket.on('error', () => socket.destroy()); // the other end is gone; 'close' follows
  }

  begin(): void {
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('close', () => this.#end());
  }

  close(): void {
    this.#isOpen = false;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      for (const line of this.#splitter.push(chunk)) this.#take(line);
    } catch {
      this.#lost += 1; // a line without end
      this.#socket.destroy();
    }
  }

  #take(line: string): void {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      this.#lost += 1;
      return;
    }
    const command = (message as { cmd?: unknown } | null)?.cmd;
    if (command === HANDLE) this.#socket.write(encode(HANDLE_TAKEN));
    if (typeof command === 'string' && command.startsWith('NODE_')) return; // between Node and Node
    if (Buffer.byteLength(line) <= CHANNEL_TEXT_BYTES && this.#mayTell()) this.#tell(message);
    else this.#lost += 1;
  }

  #mayTell(): boolean {
    const now = performance.now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#filledAt) / 1000) * PER_SECOND);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #tell(message: unknown): void {
    const lost = this.#lost;
    this.#lost = 0;
    this.#hear(message, lost);
  }

  #end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#tell(undefined);
  }
}
