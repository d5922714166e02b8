import { LOG_STREAMS, type LogStream } from '@reeve/contract';
import { pause } from '@reeve/host';
import { lineSafe } from '../base/line-safe.ts';
import { type Pattern, PatternTooSlow } from '../base/pattern.ts';
import { followLog } from './follow-log.ts';
import { logEnd } from './log-end.ts';
import type { LogPosition, StreamPosition } from './log-line.ts';
import { listFiles, openSegment } from './segments.ts';

export interface WaitForLineOptions {
  readonly folder: string;
  readonly run: string;
  /** Tried on each line of the run, colours taken out. */
  readonly pattern: Pattern;
  readonly signal: AbortSignal;
}

/** After so much matching the event loop is left to others for as long. Milliseconds. */
const TURN = 10;

/** The first line of a run that matches; what it has written already counts. `null`: aborted. */
export async function waitForLine({ folder, run, pattern, signal }: WaitForLineOptions): Promise<string | null> {
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  let spent = 0;
  try {
    for await (const { line, lost } of followLog({ folder, run, from: await runStart(folder, run), signal: either })) {
      if (lost !== undefined) continue;
      const begun = performance.now();
      // Each state of a line that returns to its beginning counts: a later one may have come before we looked.
      const found = line
        .split('\r')
        .map(plain)
        .find((text) => matches(pattern, text));
      if (found !== undefined) return found;
      spent += performance.now() - begun;
      if (spent < TURN) continue;
      await pause(spent);
      spent = 0;
    }
    return null;
  } finally {
    done.abort();
  }
}

function plain(text: string): string {
  return lineSafe(text, { colours: false });
}

/** A line that takes too long is passed over: the next one may be shorter. */
function matches(pattern: Pattern, text: string): boolean {
  try {
    return pattern.test(text);
  } catch (error) {
    if (error instanceof PatternTooSlow) return false;
    throw error;
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
