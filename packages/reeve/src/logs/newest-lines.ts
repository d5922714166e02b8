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
    const counts = file.compressed ? countOnce(segment, limit) : null;
    for (const parts of wantedParts(segment.entries, wanted).reverse()) {
      const [entry] = parts;
      if (entry === undefined || entry.offset >= limit) continue;
      const lines = () => (counts === null ? countPlain(segment, parts, limit) : counts(parts));
      yield { entry, number: file.number, lines };
    }
  }
  return null;
}

/** Wanted entries, each with its marks: these are too fine to be looked at one by one. */
function wantedParts(entries: readonly IndexEntry[], wanted: (entry: IndexEntry) => boolean): IndexEntry[][] {
  const all: IndexEntry[][] = [];
  let open: IndexEntry[] | null = null;
  for (const entry of entries) {
    if (!wanted(entry)) {
      open = null;
    } else if (open !== null && open[0]?.seq === entry.seq) {
      open.push(entry);
    } else {
      open = [entry];
      all.push(open);
    }
  }
  return all;
}

/** Lines in the bytes of neighbouring entries of a plain segment; none if they cannot be read. */
async function countPlain(segment: Segment, parts: readonly IndexEntry[], limit: number): Promise<number> {
  const [first, last] = [parts[0], parts.at(-1)];
  if (first === undefined || last === undefined) return 0;
  if (first.lost !== undefined) return 1;
  const count = new Count();
  const next = segment.entries[segment.entries.lastIndexOf(last) + 1]?.offset ?? limit;
  try {
    for await (const { bytes } of readSegment(segment, first.offset, Math.min(next, limit))) count.add(bytes);
  } catch {
    return 0; // the reader meets it again, and says so
  }
  return count.lines;
}

/** A compressed segment can only be read from its start: all its entries are counted at the first question. */
function countOnce(segment: Segment, limit: number): (parts: readonly IndexEntry[]) => Promise<number> {
  let counts: Promise<Map<IndexEntry, Count>> | null = null;
  return async (parts) => {
    counts ??= countAll(segment, limit);
    const found = await counts;
    return parts.reduce((sum, part) => sum + (part.lost === undefined ? (found.get(part)?.lines ?? 0) : 1), 0);
  };
}

async function countAll(segment: Segment, limit: number): Promise<Map<IndexEntry, Count>> {
  const counts = new Map<IndexEntry, Count>();
  try {
    for await (const { bytes, offset } of readSegment(segment, 0, limit)) {
      for (const slice of entrySlices(bytes, offset, segment.entries)) {
        const count = counts.get(slice.entry) ?? new Count();
        count.add(slice.bytes);
        counts.set(slice.entry, count);
      }
    }
  } catch {
    // damaged: what was read up to there counts
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
