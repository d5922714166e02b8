import { type IndexEntry, LINE_LIMIT, type LogStream } from '@reeve/contract';
import { entrySlices } from './entry-slices.ts';
import type { LogPosition, StreamPosition } from './log-line.ts';
import { listFiles, openSegment, readSegment, type Segment } from './segments.ts';

const NEWLINE = 10;
/** Where nothing of a stream is needed. */
const NOTHING: StreamPosition = { number: Number.MAX_SAFE_INTEGER, offset: 0 };

interface Stretch {
  readonly entry: IndexEntry;
  readonly number: number;
  /** How many lines it holds at least. */
  readonly lines: () => Promise<number>;
}
export interface NewestOrder {
  readonly folder: string;
  readonly streams: readonly LogStream[];
  readonly wanted: (entry: IndexEntry) => boolean;
  /** Where the log ends; `null`: now. */
  readonly end: LogPosition | null;
  readonly count: number;
}

/**
 * Where to begin reading in order to see at least the newest `count` lines: goes back from the end over both streams
 * in their common order, stretch by stretch, and reads no more than it must.
 */
export async function newestStart({ folder, streams, wanted, end, count }: NewestOrder): Promise<LogPosition> {
  const walks = streams.map((stream) => ({ stream, walk: backwards(folder, stream, end?.[stream] ?? null, wanted) }));
  const heads = await Promise.all(walks.map(async ({ walk }) => (await walk.next()).value ?? null));
  const start: Record<LogStream, StreamPosition> = { out: NOTHING, err: NOTHING };
  // Two more: the first line of each stream may be the end of one that began earlier, and is then left out.
  for (let missing = count + 2; missing > 0; ) {
    const newest = heads.reduce(
      (best, head, n) => ((head?.entry.seq ?? -1) > (heads[best]?.entry.seq ?? -1) ? n : best),
      0,
    );
    const [head, from] = [heads[newest], walks[newest]];
    if (head === null || head === undefined || from === undefined) break;
    start[from.stream] = { number: head.number, offset: head.entry.offset };
    missing -= await head.lines();
    heads[newest] = (await from.walk.next()).value ?? null;
  }
  return start;
}

async function* backwards(
  folder: string,
  stream: LogStream,
  end: StreamPosition | null,
  wanted: (entry: IndexEntry) => boolean,
): AsyncGenerator<Stretch, null> {
  for (const file of [...(await listFiles(folder, stream))].reverse()) {
    if (end !== null && file.number > end.number) continue;
    const segment = await openSegment(folder, file);
    if (segment === null) continue;
    const limit = file.number === end?.number ? end.offset : Number.POSITIVE_INFINITY;
    const count = file.compressed
      ? countOnce(segment, limit)
      : (entry: IndexEntry) => countStretch(segment, entry, limit);
    for (const entry of [...segment.entries].reverse()) {
      if (entry.offset < limit && wanted(entry)) yield { entry, number: file.number, lines: () => count(entry) };
    }
  }
  return null;
}

/** Lines in the bytes of one entry of a plain segment. */
async function countStretch(segment: Segment, entry: IndexEntry, limit: number): Promise<number> {
  const next = segment.entries[segment.entries.indexOf(entry) + 1]?.offset ?? limit;
  const count = new Count();
  for await (const { bytes } of readSegment(segment, entry.offset, Math.min(next, limit))) count.add(bytes);
  return count.lines;
}

/** A compressed segment can only be read from its start: all its entries are counted at the first question. */
function countOnce(segment: Segment, limit: number): (entry: IndexEntry) => Promise<number> {
  let counts: Promise<Map<IndexEntry, Count>> | null = null;
  return async (entry) => {
    counts ??= countAll(segment, limit);
    return (await counts).get(entry)?.lines ?? 0;
  };
}

async function countAll(segment: Segment, limit: number): Promise<Map<IndexEntry, Count>> {
  const counts = new Map<IndexEntry, Count>();
  for await (const { bytes, offset } of readSegment(segment, 0, limit)) {
    for (const slice of entrySlices(bytes, offset, segment.entries)) {
      const count = counts.get(slice.entry) ?? new Count();
      count.add(slice.bytes);
      counts.set(slice.entry, count);
    }
  }
  return counts;
}

/** Lines as they will be shown: long ones come in pieces. */
class Count {
  #newlines = 0;
  #bytes = 0;
  add(bytes: Buffer): void {
    this.#bytes += bytes.length;
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) this.#newlines += 1;
  }
  get lines(): number {
    return Math.max(this.#newlines, Math.floor(this.#bytes / LINE_LIMIT));
  }
}
