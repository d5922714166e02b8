import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  type IndexEntry,
  indexName,
  LOG_STREAMS,
  type LogStream,
  parseSegmentName,
  type SegmentFile,
} from '@reeve/contract';
import { openToRead, refuseLink } from '@reeve/host';
import { IndexReader } from './index-reader.ts';

/** One file of a stream, with its time index. */
export interface Segment {
  readonly file: SegmentFile;
  readonly path: string;
  /** By offset; never empty. */
  readonly entries: readonly IndexEntry[];
}

/** The files behind an instance's log, oldest first: absolute paths, `out` before `err` where both have the same number. */
export async function logPaths(folder: string): Promise<readonly string[]> {
  const all = (await Promise.all(LOG_STREAMS.map((stream) => listFiles(folder, stream)))).flat();
  const place = ({ number, stream }: SegmentFile): number => number * 2 + LOG_STREAMS.indexOf(stream);
  return all.sort((a, b) => place(a) - place(b)).map(({ name }) => path.join(folder, name));
}

/** The segments of a stream, oldest first, each once (while one is being compressed it lies there twice). None if there is no folder. */
export async function listFiles(folder: string, stream: LogStream): Promise<readonly SegmentFile[]> {
  const found = new Map<number, SegmentFile>();
  for (const name of await namesIn(folder)) {
    const file = parseSegmentName(name);
    if (file?.stream !== stream) continue;
    if (!file.compressed || !found.has(file.number)) found.set(file.number, file);
  }
  return [...found.values()].sort((a, b) => a.number - b.number);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  for (const each of [path.dirname(folder), folder]) refuseLink(each);
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * A segment and its index; `null`: rotation has removed it. Bytes before the first entry count as the first entry's.
 * What the index says beyond the end of the file is not believed: another program has cut the file.
 */
export async function openSegment(folder: string, file: SegmentFile): Promise<Segment | null> {
  const where = path.join(folder, file.name);
  const text = await textOf(path.join(folder, indexName(file.stream, file.number)));
  const found = await lstat(where).catch(nullIfMissing);
  const entries = parseIndex(text);
  const size = found === null || file.compressed ? Number.POSITIVE_INFINITY : found.size;
  const entry = entries.at(-1);
  if (entry !== undefined && entry.offset <= size) return { file, path: where, entries: fromStart(entries) };
  if (found === null) return null;
  const guess = { at: Math.floor(found.mtimeMs), offset: 0, seq: entry?.seq ?? 0, run: entry?.run ?? '' };
  return { file, path: where, entries: [guess] };
}

/** Empty when it is missing. */
async function textOf(file: string): Promise<string> {
  const handle = await openToRead(file).catch(nullIfMissing);
  if (handle === null) return '';
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function fromStart(entries: readonly IndexEntry[]): readonly IndexEntry[] {
  const first = entries.findIndex(({ lost }) => lost === undefined);
  return entries.map((entry, n) => (n === first ? { ...entry, offset: 0 } : entry));
}

/** The entries and marks of an index. A torn last line is left out. */
function parseIndex(text: string): readonly IndexEntry[] {
  const reader = new IndexReader();
  reader.add(text.slice(0, text.lastIndexOf('\n') + 1));
  return reader.entries;
}

/** Bytes `from`…`to` of a segment (`to` exclusive; Infinity: its end), in chunks that are good until the next is asked for. */
export async function* readSegment(
  { path: file, file: { compressed } }: Pick<Segment, 'path' | 'file'>,
  from = 0,
  to = Number.POSITIVE_INFINITY,
): AsyncGenerator<{ readonly bytes: Buffer; readonly offset: number }> {
  if (compressed) yield* readCompressed(file, from, to);
  else yield* readPlain(file, from, to);
}

const CHUNK = 256 * 1024;

async function* readPlain(file: string, from: number, to: number) {
  const handle = await openToRead(file).catch(nullIfMissing);
  if (handle === null) {
    yield* readCompressed(`${file}.gz`, from, to); // compressed since it was listed
    return;
  }
  try {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(CHUNK, to - from)));
    for (let offset = from; offset < to; ) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, to - offset), offset);
      if (bytesRead === 0) return;
      yield { bytes: buffer.subarray(0, bytesRead), offset };
      offset += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function* readCompressed(file: string, from: number, to: number) {
  const handle = await openToRead(file).catch(nullIfMissing);
  if (handle === null) return; // removed by rotation since it was listed
  const { createGunzip } = await import('node:zlib');
  const plain = handle.createReadStream().pipe(createGunzip());
  let offset = 0;
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      const start = Math.max(0, from - offset);
      const end = Math.min(chunk.length, to - offset);
      if (start < end) yield { bytes: chunk.subarray(start, end), offset: offset + start };
      offset += chunk.length;
      if (offset >= to) return;
    }
  } finally {
    plain.destroy();
    await handle.close();
  }
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}
