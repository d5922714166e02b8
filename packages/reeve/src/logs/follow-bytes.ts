import { type IndexEntry, LOG_STREAMS } from '@reeve/contract';
import { pause } from '@reeve/host';
import { ByteCutter, type LogBytes } from './byte-cutter.ts';
import { bytesEnd } from './bytes-end.ts';
import { ChangeWatch } from './change-watch.ts';
import { ReaderPlace } from './reader-place.ts';
import { StreamTail } from './stream-tail.ts';

/** What the children of a command that has ended wrote last is in the log so soon after their end. Milliseconds. */
const LAST_WORDS = 25;

/**
 * What the next run of an instance writes, byte for byte: opened before it is started, so that nothing of it is missed
 * and nothing of an earlier run is in it. The keeper reads no further ahead of it than some segments.
 */
export class ByteFollower {
  readonly #folder: string;
  readonly #tails: readonly StreamTail<LogBytes>[];
  readonly #place: ReaderPlace;

  private constructor(folder: string, tails: readonly StreamTail<LogBytes>[]) {
    this.#folder = folder;
    this.#tails = tails;
    this.#place = new ReaderPlace(folder);
    this.#sayPlace();
  }

  static async open(folder: string): Promise<ByteFollower> {
    const ends = await Promise.all(LOG_STREAMS.map((stream) => bytesEnd(folder, stream)));
    const earlier = new Set(ends.map(({ run }) => run));
    // The newline that ends an earlier run's last line may be written only now: it is that run's.
    const wanted = ({ run }: IndexEntry): boolean => !earlier.has(run);
    const tails = ends.map(({ stream, at }) => new StreamTail(folder, stream, at, new ByteCutter(stream, wanted)));
    return new ByteFollower(folder, tails);
  }

  /** The bytes as they come; after `ended` is aborted what is there still, then it ends. */
  async *follow(ended: AbortSignal): AsyncGenerator<LogBytes> {
    const changes = new ChangeWatch(this.#folder);
    try {
      for (let quiet = false; ; ) {
        const reads = await Promise.all(this.#tails.map((tail) => tail.read(performance.now())));
        this.#sayPlace();
        const pieces = reads.flatMap((read) => read.pieces).sort((a, b) => a.seq - b.seq);
        yield* pieces;
        if (pieces.length > 0 || reads.some((read) => read.more)) {
          quiet = false;
        } else if (!ended.aborted) await changes.next(ended);
        else if (quiet) return;
        else {
          quiet = true;
          await pause(LAST_WORDS);
        }
      }
    } finally {
      changes.close();
      this.#place.leave();
      await Promise.all(this.#tails.map((tail) => tail.close()));
    }
  }

  #sayPlace(): void {
    const [out = 0, err = 0] = this.#tails.map(({ number }) => number);
    this.#place.say({ out, err });
  }

  /** Whether rotation has removed something before it could be read. */
  get isMissingSome(): boolean {
    return this.#tails.some(({ missed }) => missed > 0);
  }
}
