import type { IndexEntry, LogStream } from '@reeve/contract';
import type { Cutter } from './stream-tail.ts';

/** Bytes of one stream as they were written. */
export interface LogBytes {
  readonly stream: LogStream;
  /** Orders the pieces of one instance over both streams. */
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** Leaves a stream's bytes as they are: for readers that want what a program wrote, not its lines. */
export class ByteCutter implements Cutter<LogBytes> {
  readonly isOpen = false;
  readonly #stream: LogStream;
  readonly #wanted: (entry: IndexEntry) => boolean;

  constructor(stream: LogStream, wanted: (entry: IndexEntry) => boolean) {
    this.#stream = stream;
    this.#wanted = wanted;
  }

  passOver(): void {}

  push(bytes: Buffer, entry: IndexEntry): LogBytes[] {
    return bytes.length > 0 && this.#wanted(entry)
      ? [{ stream: this.#stream, seq: entry.seq, bytes: Uint8Array.from(bytes) }]
      : [];
  }

  flush(): LogBytes[] {
    return [];
  }
}
