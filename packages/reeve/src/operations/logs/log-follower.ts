import { pause } from '@reeve/host';
import { bytesEnd } from '../../logs/bytes-end.ts';
import { followLog } from '../../logs/follow-log.ts';
import type { LogPosition } from '../../logs/log-line.ts';
import { interleaveLogs } from '../../logs/merge-logs.ts';
import { readLog } from '../../logs/read-log.ts';
import { type LogSource, type SourcedLine, withSource } from './log-source.ts';

interface Mark {
  readonly source: LogSource;
  readonly from: LogPosition;
  /** `seq` of the last line given out. */
  last: number;
}

/** What a service says last comes within this long of its end. Milliseconds. */
const LAST_WORDS = 25;
const MOST_LOOKS = 40;

/**
 * The logs of some instances from now on: made before they are started, so that nothing of it is missed, and drained
 * after they have ended, so that no last word is lost.
 */
export class LogFollower {
  readonly #marks: readonly Mark[];
  readonly #since = Date.now();

  private constructor(marks: readonly Mark[]) {
    this.#marks = marks;
  }

  static async open(sources: readonly LogSource[]): Promise<LogFollower> {
    const marks = sources.map(async (source): Promise<Mark> => {
      // Not where the last whole line ends: the rest of an earlier run's line is not part of what comes.
      const [out, err] = await Promise.all([bytesEnd(source.folder, 'out'), bytesEnd(source.folder, 'err')]);
      const from = { out: out.at, err: err.at };
      let last = -1;
      for await (const { seq } of readLog({ folder: source.folder, newest: 1 })) last = seq;
      return { source, from, last };
    });
    return new LogFollower(await Promise.all(marks));
  }

  /** Calls back for each line as it comes, until aborted. */
  async follow(signal: AbortSignal, show: (line: SourcedLine) => void): Promise<void> {
    const byFolder = new Map(this.#marks.map((mark) => [mark.source.folder, mark]));
    const streams = this.#marks.map(({ source, from }) =>
      withSource(source, followLog({ folder: source.folder, from, signal })),
    );
    for await (const line of interleaveLogs(streams)) {
      const mark = byFolder.get(line.source.folder);
      if (!mark) continue;
      mark.last = Math.max(mark.last, line.seq);
      show(line);
    }
  }

  /** After `follow` has ended and the services too: what it had not given out yet, until no more comes. */
  async drain(show: (line: SourcedLine) => void): Promise<void> {
    const never = new AbortController().signal;
    for (let look = 0, found = 1; look < MOST_LOOKS && found > 0; look++) {
      await pause(LAST_WORDS, never);
      found = 0;
      for (const mark of this.#marks) {
        const { source } = mark;
        for await (const line of withSource(source, readLog({ folder: source.folder, since: this.#since }))) {
          if (line.seq <= mark.last) continue;
          mark.last = line.seq;
          found++;
          show(line);
        }
      }
    }
  }
}
