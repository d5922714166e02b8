import { type IndexEntry, LOG_STREAMS, type LogStream } from '@reeve/contract';
import { pause } from '@reeve/host';
import { ChangeWatch } from './change-watch.ts';
import { LineCutter } from './line-cutter.ts';
import { logEnd } from './log-end.ts';
import type { LogLine, LogPosition } from './log-line.ts';
import { StreamTail } from './stream-tail.ts';

export interface FollowLogOptions {
  /** The instance's log folder; it need not exist yet. */
  readonly folder: string;
  readonly from: 'end' | LogPosition;
  readonly stream?: LogStream | undefined;
  readonly run?: string | undefined;
  /** The lines carry their bytes. Default: false. */
  readonly raw?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** After something came, the next look waits so long (ms): one look for many lines. */
const GATHER = 10;

/** The lines of an instance's log as they come, over rotation and restarts, until aborted. */
export async function* followLog({
  folder,
  from,
  stream,
  run,
  raw = false,
  signal,
}: FollowLogOptions): AsyncGenerator<LogLine> {
  const start = from === 'end' ? await logEnd(folder) : from;
  const wanted = (entry: IndexEntry) => run === undefined || entry.run === run;
  const streams = stream === undefined ? LOG_STREAMS : [stream];
  const tails = streams.map((name) => {
    const cutter = new LineCutter(name, { wanted, raw, torn: start[name].torn ?? false });
    return new StreamTail(folder, name, start[name], cutter);
  });
  const changes = new ChangeWatch(folder);
  try {
    while (!signal.aborted) {
      const { lines, more } = await readAll(tails);
      yield* lines;
      if (more) continue;
      await changes.next(signal);
      if (lines.length > 0) await pause(GATHER);
    }
  } finally {
    changes.close();
    await Promise.all(tails.map((tail) => tail.close()));
  }
}

async function readAll(
  tails: readonly StreamTail<LogLine>[],
): Promise<{ readonly lines: readonly LogLine[]; readonly more: boolean }> {
  const now = performance.now();
  const reads = await Promise.all(tails.map((tail) => tail.read(now)));
  const lines = reads.flatMap((read) => read.pieces).sort((a, b) => a.seq - b.seq);
  return { lines, more: reads.some((read) => read.more) };
}
