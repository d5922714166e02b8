import { once } from 'node:events';
import type { Output } from './io.ts';

/** One of the process's own streams, and whether everything that was written to it has arrived. */
export class StandardOutput implements Output {
  readonly #stream: NodeJS.WriteStream;
  readonly #lost = new AbortController();
  #failure: NodeJS.ErrnoException | null = null;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => this.#fail(error));
  }

  get isTTY(): boolean {
    return this.#stream.isTTY;
  }
  get columns(): number {
    return this.#stream.columns;
  }
  get rows(): number {
    return this.#stream.rows;
  }
  get lost(): AbortSignal {
    return this.#lost.signal;
  }
  /** Why something could not be written; EPIPE: its reader has gone. */
  get failure(): NodeJS.ErrnoException | null {
    return this.#failure;
  }

  write(text: string | Uint8Array): void {
    if (this.#failure === null) this.#stream.write(text);
  }

  async drained(signal?: AbortSignal): Promise<void> {
    if (!this.#stream.writableNeedDrain || signal?.aborted || this.#failure !== null) return;
    await once(this.#stream, 'drain', signal && { signal }).catch(() => {}); // aborted or lost: the caller looks at that
  }

  /** Resolves when everything is out, or known to be lost. */
  async flushed(): Promise<void> {
    if (this.#failure !== null) return;
    // An empty write calls back when everything before it is out.
    await new Promise<void>((resolve) => {
      this.#stream.write('', (error) => {
        if (error) this.#fail(error);
        resolve();
      });
    });
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#lost.abort(error);
  }
}

/** As a shell shows a program that killed by SIGPIPE. */
export const READER_GONE = 141;

/** The exit code of a command that came to `code`, when some of its output was lost. */
export function codeOfLoss(code: number, failure: NodeJS.ErrnoException | null): number {
  if (failure === null) return code;
  if (failure.code === 'EPIPE') return code === 0 ? READER_GONE : code;
  return code === 0 || code === READER_GONE ? 1 : code;
}
