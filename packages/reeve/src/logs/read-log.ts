import { type IndexEntry, LOG_STREAMS, type LogStream } from '@reeve/contract';
import type { LogLine, LogPosition, StreamPosition } from './log-line.ts';
import { newestStart } from './newest-lines.ts';
import { streamLines } from './stream-lines.ts';

export interface ReadLogOptions {
  /** The instance's log folder. One that does not exist is an empty log. */
  readonly folder: string;
  readonly stream?: LogStream | undefined;
  /** Milliseconds since 1970, both inclusive. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only so many, the newest. Default: all. */
  readonly newest?: number | 'all' | undefined;
  readonly run?: string | undefined;
  /** Read up to here only, see `logEnd`: so that `followLog` from there neither repeats nor leaves out a line. */
  readonly end?: LogPosition | undefined;
  /** The lines carry their bytes. Default: false. */
  readonly raw?: boolean | undefined;
}

const START: StreamPosition = { number: 0, offset: 0 };

/** The lines of an instance's log in the order in which they arrived, both streams merged. Needs no daemon. */
export async function* readLog(options: ReadLogOptions): AsyncGenerator<LogLine> {
  const { newest = 'all' } = options;
  if (newest === 'all') {
    for await (const batch of batches(options, { out: START, err: START })) yield* batch;
    return;
  }
  const kept: LogLine[] = [];
  if (newest > 0) {
    const { folder, end = null } = options;
    const order = { folder, streams: streamsOf(options), wanted: wantedBy(options), end, count: newest };
    for await (const batch of batches(options, await newestStart(order))) {
      kept.push(...batch);
      if (kept.length > 2 * newest) kept.splice(0, kept.length - newest);
    }
  }
  yield* newest > 0 ? kept.slice(-newest) : [];
}

function streamsOf({ stream }: ReadLogOptions): readonly LogStream[] {
  return stream === undefined ? LOG_STREAMS : [stream];
}

function wantedBy({ since, until, run }: ReadLogOptions): (entry: IndexEntry) => boolean {
  return (entry) =>
    (since === undefined || entry.at >= since) &&
    (until === undefined || entry.at <= until) &&
    (run === undefined || entry.run === run);
}

function batches(options: ReadLogOptions, from: LogPosition): AsyncGenerator<readonly LogLine[]> {
  const { folder, end, raw = false } = options;
  const wanted = wantedBy(options);
  const sources = streamsOf(options).map((stream) =>
    streamLines({ folder, stream, wanted, from: from[stream], to: end?.[stream] ?? null, raw }),
  );
  return merged(sources);
}

/** What has been read of one stream, and how far it is given out. */
interface Head {
  readonly source: AsyncGenerator<readonly LogLine[]>;
  lines: readonly LogLine[];
  at: number;
}

/** Batches of lines in the order of `seq`, from sources that have it each. */
async function* merged(sources: readonly AsyncGenerator<readonly LogLine[]>[]): AsyncGenerator<readonly LogLine[]> {
  const heads: Head[] = sources.map((source) => ({ source, lines: [], at: 0 }));
  for (;;) {
    for (const head of heads) await fill(head);
    const [first, second] = heads.sort((a, b) => seqOf(a) - seqOf(b));
    if (first === undefined || seqOf(first) === Number.POSITIVE_INFINITY) return;
    const limit = second === undefined ? Number.POSITIVE_INFINITY : seqOf(second);
    let end = first.at + 1;
    while (end < first.lines.length && (first.lines[end]?.seq ?? 0) < limit) end += 1;
    yield first.lines.slice(first.at, end);
    first.at = end;
  }
}

async function fill(head: Head): Promise<void> {
  while (head.at >= head.lines.length) {
    const next = await head.source.next();
    if (next.done === true) return;
    head.lines = next.value;
    head.at = 0;
  }
}

/** Infinity: the stream has ended. */
function seqOf({ lines, at }: Head): number {
  return lines[at]?.seq ?? Number.POSITIVE_INFINITY;
}
