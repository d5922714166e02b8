import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { LineSplitter, makeFifo } from '@reeve/host';
import { readNow } from '../output/read-now.ts';

const { O_RDONLY, O_RDWR, O_NONBLOCK } = constants;

/** One FIFO without a name for all wrappers: each writes its run's id into it when nothing of its own can fail any more. */
export class WrapperReports {
  /** The descriptor that a wrapper gets as its descriptor 3. */
  readonly fd: number;
  readonly #read: number;
  readonly #buffer = Buffer.allocUnsafe(64 * 1024);
  readonly #splitter = new LineSplitter(4096);
  readonly #waiting = new Map<string, () => void>();

  constructor(folder: string) {
    const file = path.join(folder, `reports.${process.pid}`);
    rmSync(file, { force: true });
    makeFifo(file, 0o600);
    const read = openSync(file, O_RDONLY | O_NONBLOCK);
    try {
      this.fd = openSync(file, O_RDWR);
    } catch (error) {
      closeSync(read);
      throw error;
    } finally {
      rmSync(file, { force: true });
    }
    this.#read = read;
    const socket = new Socket({ fd: read, readable: true, writable: false }); // never ends: we hold a writing end
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  expect(run: string, onReport: () => void): void {
    this.#waiting.set(run, onReport);
  }

  forget(run: string): void {
    this.#waiting.delete(run);
  }

  /** Takes in what has been written up to now, before the event loop would. */
  poll(): void {
    const { length } = this.#buffer;
    for (let bytes = length; bytes === length; ) {
      bytes = readNow(this.#read, this.#buffer);
      this.#take(this.#buffer.subarray(0, bytes));
    }
  }

  #take(chunk: Buffer): void {
    for (const run of this.#splitter.push(chunk)) {
      const onReport = this.#waiting.get(run);
      this.#waiting.delete(run);
      onReport?.();
    }
  }
}
