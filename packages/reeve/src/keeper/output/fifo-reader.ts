import { Socket } from 'node:net';
import { PACE, type Paced, type Pacer } from './pacer.ts';
import { readNow } from './read-now.ts';

/** All streams are read into this, one after the other: what was read is written before anything else is read. */
const shared = Buffer.allocUnsafeSlow(128 * 1024);
/** A pipe this full at a tick (bytes) would fill up before the next one. */
const FULL = 48 * 1024;
/** A fast stream is asked for so much at once (bytes): less costs more calls than copying. */
const WORTHWHILE = 32 * 1024;
/** How much one stream may take in one turn (bytes) before the others have theirs. */
const BUDGET = 1 << 20;

/**
 * Reads a FIFO that was opened O_RDONLY | O_NONBLOCK and hands every chunk to `onChunk`, which must be done with it
 * when it returns. Three ways, by how much comes: *idle*: the event loop says when there is something; *paced*: one
 * read a tick, as long as there is something every time; *fast*: the event loop again, chunk after chunk, as the other
 * streams let it. Owns the descriptor. (`fs` streams on a FIFO would block a thread each: FAULTS LG16.)
 */
export class FifoReader implements Paced {
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #pacer: Pacer;
  readonly #onChunk: (chunk: Buffer) => void;
  readonly #isHeld: () => boolean;
  /** Fast since this moment (ms), with so many bytes in the present window; null: not fast. */
  #fast: { since: number; bytes: number } | null = null;
  #closed = false;

  /** `isHeld`: nothing more may be read for now; asked again at every tick. */
  constructor(fd: number, pacer: Pacer, onChunk: (chunk: Buffer) => void, isHeld: () => boolean = () => false) {
    this.#fd = fd;
    this.#pacer = pacer;
    this.#onChunk = onChunk;
    this.#isHeld = isHeld;
    const onread = { buffer: shared, callback: (bytes: number) => this.#received(bytes) };
    this.#socket = new Socket({ fd, readable: true, writable: false, onread } as ConstructorParameters<
      typeof Socket
    >[0]);
    this.#socket.on('error', () => this.close()); // a FIFO cannot fail but by being closed
    this.#socket.on('close', () => this.close()); // the FIFO has no writer any more
    this.#socket.resume();
  }

  /** Reads what is in the FIFO now, also when held, `limit` bytes at most. `empty`: nothing is left. */
  drain(limit = BUDGET): 'empty' | 'some' {
    for (let left = limit; left > 0; ) {
      const bytes = this.#isClosed ? 0 : readNow(this.#fd, shared, Math.min(left, shared.length));
      if (bytes === 0) return 'empty';
      left -= bytes;
      this.#onChunk(shared.subarray(0, bytes));
    }
    return 'some';
  }

  tick(): boolean {
    if (this.#isClosed) return false;
    if (this.#isHeld()) return true;
    const bytes = readNow(this.#fd, shared);
    if (bytes > 0) this.#onChunk(shared.subarray(0, bytes));
    if (bytes > 0 && bytes < FULL) return true;
    this.#fast = bytes === 0 ? null : { since: performance.now(), bytes: 0 };
    this.#socket.resume();
    return false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pacer.remove(this);
    this.#socket.destroy();
  }

  /** At the end of the stream the socket closes the descriptor by itself, a moment before it says so. */
  get #isClosed(): boolean {
    return this.#closed || this.#socket.destroyed;
  }

  /** What it returns tells the socket whether to keep reading. */
  #received(bytes: number): boolean {
    this.#onChunk(shared.subarray(0, bytes));
    if (!this.#staysFast(bytes) || this.#isHeld()) return this.#slowDown();
    if (bytes >= WORTHWHILE) return true;
    setImmediate(this.#again);
    return false;
  }

  #slowDown(): false {
    this.#fast = null;
    this.#pacer.add(this);
    return false;
  }

  /** A fast stream that gave little: its turn comes again without asking the system first, so that more has gathered. */
  readonly #again = (): void => {
    if (this.#isClosed) return;
    const bytes = readNow(this.#fd, shared);
    if (bytes > 0) this.#onChunk(shared.subarray(0, bytes));
    if (this.#fast !== null) this.#fast.bytes += bytes;
    if (this.#isHeld()) this.#slowDown();
    else this.#socket.resume();
  };

  #staysFast(bytes: number): boolean {
    if (this.#fast === null) return false;
    this.#fast.bytes += bytes;
    const now = performance.now();
    const passed = now - this.#fast.since;
    if (passed < PACE) return true;
    if (this.#fast.bytes / passed < FULL / PACE) return false;
    this.#fast = { since: now, bytes: 0 };
    return true;
  }
}
