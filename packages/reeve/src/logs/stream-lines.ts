import type { IndexEntry, LogStream } from '@reeve/contract';
import { entryAt, entrySlices } from './entry-slices.ts';
import { LineCutter } from './line-cutter.ts';
import type { LogLine, StreamPosition } from './log-line.ts';
import { listFiles, openSegment, readSegment, type Segment } from './segments.ts';

export interface StreamRange {
  readonly folder: string;
  readonly stream: LogStream;
  /** Which stretches of output are shown. */
  readonly wanted: (entry: IndexEntry) => boolean;
  /** Where to begin; a line that began earlier is left out. */
  readonly from: StreamPosition;
  /** Where to end; `null`: where the log ends now. */
  readonly to: StreamPosition | null;
  /** The lines carry their bytes. */
  readonly raw: boolean;
}

const NEWLINE = 10;
const NONE = Buffer.alloc(0);

/** The lines of one stream in order, in batches. Stretches that are not wanted are not read where that can be helped. */
export async function* streamLines(range: StreamRange): AsyncGenerator<readonly LogLine[]> {
  const { folder, stream, from, to, wanted, raw } = range;
  let cutter: LineCutter | null = null;
  for (const file of await listFiles(folder, stream)) {
    if (file.number < from.number || (to !== null && file.number > to.number)) continue;
    const segment = await openSegment(folder, file);
    if (segment === null) continue;
    const start = Math.max(
      file.number === from.number ? from.offset : 0,
      cutter === null ? firstWanted(segment, range) : 0,
    );
    if (start === Number.POSITIVE_INFINITY) continue;
    cutter ??= new LineCutter(stream, { wanted, raw, torn: await isTorn(segment, start) });
    const end = file.number === to?.number ? to.offset : Number.POSITIVE_INFINITY;
    yield* segmentLines(segment, cutter, start, end);
  }
  if (cutter !== null) yield cutter.flush();
}

async function* segmentLines(
  segment: Segment,
  cutter: LineCutter,
  start: number,
  end: number,
): AsyncGenerator<readonly LogLine[]> {
  let read = start;
  try {
    for await (const { bytes, offset } of readSegment(segment, start, end)) {
      read = offset + bytes.length;
      yield entrySlices(bytes, offset, segment.entries).flatMap((slice) => cutter.push(slice.bytes, slice.entry));
    }
  } catch (error) {
    yield unreadable(segment, read, cutter, error);
  }
  if (end !== Number.POSITIVE_INFINITY) return;
  const missing = segment.entries.filter(({ lost, offset }) => lost !== undefined && offset === read);
  yield missing.flatMap((entry) => cutter.push(NONE, entry));
}

/** A file that another program has damaged, replaced or made unreadable: its place in the log says so. */
function unreadable({ entries, file }: Segment, read: number, cutter: LineCutter, error: unknown): readonly LogLine[] {
  const entry = entries[entryAt(entries, read)];
  if (entry === undefined || !(error instanceof Error) || !('code' in error)) throw error;
  const why = `${file.name} cannot be read: ${error.message}`;
  return cutter.push(NONE, { ...entry, lost: { bytes: null, why } });
}

/** Offset of the first wanted entry; Infinity: there is none here. */
function firstWanted({ entries, file }: Segment, { from, wanted }: StreamRange): number {
  const first = file.number === from.number ? entryAt(entries, from.offset) : 0;
  return entries.slice(first).find(wanted)?.offset ?? Number.POSITIVE_INFINITY;
}

/** Whether a place in a segment lies within a line. */
async function isTorn({ path, file, entries }: Segment, offset: number): Promise<boolean> {
  if (offset === 0) return false; // rotation cuts between lines; where it could not, the rest is shown as a line
  const [before, after] = [entries[entryAt(entries, offset - 1)], entries[entryAt(entries, offset)]];
  if (before?.run !== after?.run) return false;
  return (await byteAt({ path, file }, offset - 1)) !== NEWLINE;
}

/** `null`: there is none, or it cannot be read. */
async function byteAt(segment: Pick<Segment, 'path' | 'file'>, offset: number): Promise<number | null> {
  try {
    for await (const { bytes } of readSegment(segment, offset, offset + 1)) return bytes[0] ?? null;
  } catch {
    // reading on from here fails in the same way, and is reported there
  }
  return null;
}
