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
}

const NEWLINE = 10;

/** The lines of one stream in order, in batches. Stretches that are not wanted are not read where that can be helped. */
export async function* streamLines(range: StreamRange): AsyncGenerator<readonly LogLine[]> {
  const { folder, stream, from, to } = range;
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
    cutter ??= new LineCutter(stream, { wanted: range.wanted, torn: await isTorn(segment, start) });
    const end = file.number === to?.number ? to.offset : Number.POSITIVE_INFINITY;
    for await (const { bytes, offset } of readSegment(segment, start, end)) {
      yield entrySlices(bytes, offset, segment.entries).flatMap(
        (slice) => cutter?.push(slice.bytes, slice.entry) ?? [],
      );
    }
  }
  if (cutter !== null) yield cutter.flush();
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

/** `null`: rotation has just removed it. */
async function byteAt(segment: Pick<Segment, 'path' | 'file'>, offset: number): Promise<number | null> {
  for await (const { bytes } of readSegment(segment, offset, offset + 1)) return bytes[0] ?? null;
  return null;
}
