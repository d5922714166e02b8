import { LOG_STREAMS, type LogStream, type SpawnRequest } from '@reeve/contract';
import { type Loss, LossCount } from './dropped-output.ts';
import { FifoReader } from './fifo-reader.ts';
import type { LogFolders } from './log-folders.ts';
import type { Pacer } from './pacer.ts';

export interface OutputOrder {
  readonly run: string;
  /** Our ends of the FIFOs; null: that one is gone. Taken over: they are closed by {@link Outputs.close}. */
  readonly fds: Readonly<Record<LogStream, number | null>>;
  readonly logs: SpawnRequest['logs'];
  readonly folders: LogFolders;
  readonly pacer: Pacer;
  /** Output is being lost (`bytes` null: it begins) or has been lost. */
  readonly onGap: (gap: { readonly bytes: number | null; readonly why: string }) => void;
}

/** Copies what one run writes into its instance's log folder, or nowhere. */
export class Outputs {
  readonly #order: OutputOrder;
  readonly #readers: readonly FifoReader[];
  readonly #loss = new LossCount();
  #bytes = 0;
  #open = true;

  constructor(order: OutputOrder) {
    this.#order = order;
    const folder = order.logs === null ? null : order.folders.use(order.logs.folder, order.logs.rotation);
    // Two runs of an instance may share the folder for a while: the newer one tells.
    if (folder !== null) folder.onGone = (why) => order.onGap({ bytes: null, why: `${why}; a new log file begins` });
    const reader = (stream: LogStream): FifoReader[] => {
      const fd = order.fds[stream];
      if (fd === null) return [];
      const copy = (chunk: Buffer): void => {
        this.#bytes += chunk.length;
        if (folder !== null) this.#count(folder.write(stream, order.run, chunk));
      };
      return [new FifoReader(fd, order.pacer, copy, () => folder?.isHeld(stream) ?? false)];
    };
    this.#readers = LOG_STREAMS.flatMap(reader);
  }

  /** Bytes read since this keeper holds the run. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Copies what is in the FIFOs now. */
  drain(): void {
    for (const reader of this.#readers) reader.drain();
  }

  /** The main process has ended: what was lost up to now belongs to its story. */
  settle(): void {
    this.#tell(this.#loss.end());
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.drain();
    for (const reader of this.#readers) reader.close();
    this.settle();
    if (this.#order.logs !== null) this.#order.folders.leave(this.#order.logs.folder);
  }

  #count({ lost, why }: { readonly lost: number; readonly why: string | null }): void {
    if (why === null) this.#tell(this.#loss.wrote(Date.now()));
    else if (this.#loss.lost(lost, why, Date.now()))
      this.#order.onGap({ bytes: null, why: `output is being lost: ${why}` });
  }

  #tell(loss: Loss | null): void {
    if (loss !== null) this.#order.onGap({ bytes: loss.bytes, why: `output was lost: ${loss.why}` });
  }
}
