import { LOG_STREAMS, type LogStream } from '@reeve/contract';
import { followLog } from './follow-log.ts';
import { lineSafe } from './line-safe.ts';
import { logEnd } from './log-end.ts';
import type { LogPosition, StreamPosition } from './log-line.ts';
import { listFiles, openSegment } from './segments.ts';

export interface WaitForLineOptions {
  readonly folder: string;
  readonly run: string;
  /** Tried on each line of the run, colours taken out. */
  readonly pattern: RegExp;
  readonly signal: AbortSignal;
}

/** The first line of a run that matches; what it has written already counts. `null`: aborted. */
export async function waitForLine({ folder, run, pattern, signal }: WaitForLineOptions): Promise<string | null> {
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  try {
    for await (const { line } of followLog({ folder, run, from: await runStart(folder, run), signal: either })) {
      const text = lineSafe(line, { colours: false });
      pattern.lastIndex = 0; // of use to patterns with the flag g only
      if (pattern.test(text)) return text;
    }
    return null;
  } finally {
    done.abort();
  }
}

/** Where a run's output begins; the end of the log if it has written nothing yet. */
async function runStart(folder: string, run: string): Promise<LogPosition> {
  const end = await logEnd(folder); // first: what comes between the two looks must not be missed
  const [out, err] = await Promise.all(LOG_STREAMS.map((stream) => streamStart(folder, stream, run)));
  return { out: out ?? end.out, err: err ?? end.err };
}

async function streamStart(folder: string, stream: LogStream, run: string): Promise<StreamPosition | null> {
  let start: StreamPosition | null = null;
  for (const file of [...(await listFiles(folder, stream))].reverse()) {
    const segment = await openSegment(folder, file);
    const first = segment?.entries.find((entry) => entry.run === run);
    if (first !== undefined) start = { number: file.number, offset: first.offset };
    else if (start !== null) break;
  }
  return start;
}
