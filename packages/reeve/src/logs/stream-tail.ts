import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { type IndexEntry, indexName, type LogStream, type SegmentFile } from '@reeve/contract';
import { openToRead } from '@reeve/host';
import { entryAt, entrySlices, firstAt } from './entry-slices.ts';
import { IndexReader } from './index-reader.ts';
import type { StreamPosition } from './log-line.ts';
import { isMissing, listFiles } from './segments.ts';

const CHUNK = 256 * 1024;
const NEWLINE = 10;
/** A line without an end is shown after so long (ms). */
const PATIENCE = 2000;

interface Open {
  readonly file: SegmentFile;
  readonly log: FileHandle;
  readonly index: FileHandle | null;
  /** Bytes of the index that are read. */
  indexed: number;
  entries: readonly IndexEntry[];
  readonly reader: IndexReader;
}

/** What makes pieces (lines, or the bytes as they are) out of a stream's bytes. */
export interface Cutter<T> {
  /** Whether a piece has begun and not ended. */
  readonly isOpen: boolean;
  /** So many lines of `entry` are not read. */
  passOver(entry: IndexEntry, lines: number): void;
  /** The caller may use the buffer again afterwards. */
  push(bytes: Buffer, entry: IndexEntry): T[];
  flush(): T[];
}

/** One stream of a log that still grows: every call to `read` gives the pieces that have come since the last one. */
export class StreamTail<T> {
  readonly #folder: string;
  readonly #stream: LogStream;
  readonly #cutter: Cutter<T>;
  readonly #buffer = Buffer.allocUnsafe(CHUNK);
  #number: number;
  #offset: number;
  #open: Open | null = null;
  #openSince: number | null = null;
  #missed = 0;

  constructor(folder: string, stream: LogStream, from: StreamPosition, cutter: Cutter<T>) {
    this.#folder = folder;
    this.#stream = stream;
    this.#cutter = cutter;
    this.#number = from.number;
    this.#offset = from.offset;
  }

  /** `more`: there may be more to read at once. `now`: milliseconds, only compared with earlier ones. */
  async read(now: number): Promise<{ readonly pieces: readonly T[]; readonly more: boolean }> {
    this.#open ??= await this.#openNext();
    if (this.#open === null) return { pieces: this.#overdue(now), more: false };
    const bytes = await this.#readOn(this.#open);
    if (bytes > 0) {
      const pieces = await this.#cut(this.#open, bytes);
      const isAnother = pieces.length > 0;
      this.#openSince = this.#cutter.isOpen ? ((isAnother ? null : this.#openSince) ?? now) : null;
      return { pieces, more: true };
    }
    if (await this.#isCut(this.#open)) return { pieces: this.#cutter.flush(), more: true };
    const pieces = this.#overdue(now);
    return { pieces, more: await this.#advance(this.#open) };
  }

  /** The segment that is read now, or next. */
  get number(): number {
    return this.#number;
  }

  /** Segments that rotation removed before they were read. */
  get missed(): number {
    return this.#missed;
  }

  async close(): Promise<void> {
    await this.#open?.log.close();
    await this.#open?.index?.close();
    this.#open = null;
  }

  async #readOn({ log }: Open): Promise<number> {
    return (await log.read(this.#buffer, 0, CHUNK, this.#offset)).bytesRead;
  }

  /** Another program has cut the file: what it holds now is new. */
  async #isCut(open: Open): Promise<boolean> {
    if (open.file.compressed || (await open.log.stat()).size >= this.#offset) return false;
    this.#offset = 0;
    return true;
  }

  /** The entry of a byte is written before it: what is read of the index now covers all bytes that were read before. */
  async #cut(open: Open, length: number): Promise<readonly T[]> {
    const isFirst = open.indexed === 0;
    await readIndex(open);
    if (isFirst) await this.#passOver(open);
    const bytes = this.#buffer.subarray(0, length);
    const slices = entrySlices(bytes, this.#offset, open.entries);
    this.#offset += length;
    open.reader.forget(firstAt(open.entries, this.#offset));
    return slices.flatMap((slice) => this.#cutter.push(slice.bytes, slice.entry));
  }

  /** We begin in the middle of an entry: its lines keep the numbers that they have for others. */
  async #passOver({ entries, log }: Open): Promise<void> {
    const entry = entries[entryAt(entries, this.#offset)];
    if (entry === undefined || entry.offset >= this.#offset) return;
    const before = Buffer.alloc(this.#offset - entry.offset);
    await log.read(before, 0, before.length, entry.offset);
    let lines = 0;
    for (let at = before.indexOf(NEWLINE); at !== -1; at = before.indexOf(NEWLINE, at + 1)) lines += 1;
    this.#cutter.passOver(entry, lines);
  }

  #overdue(now: number): readonly T[] {
    if (this.#openSince === null || now - this.#openSince < PATIENCE) return [];
    this.#openSince = null;
    return this.#cutter.flush();
  }

  /** Goes to the next segment once there is one and nothing is left in this one. true: there may be more to read. */
  async #advance(open: Open): Promise<boolean> {
    const files = await listFiles(this.#folder, this.#stream);
    const newest = files.at(-1)?.number;
    if (newest === undefined || newest === open.file.number) return false;
    if (newest < open.file.number) return this.#startOver(); // the folder was emptied, and numbers begin anew
    if ((await this.#readOn(open)) > 0) return true; // written between the two looks
    await this.close();
    this.#number = open.file.number + 1;
    this.#offset = 0;
    return true;
  }

  async #startOver(): Promise<true> {
    await this.close();
    this.#number = 0;
    this.#offset = 0;
    return true;
  }

  /** The first segment from where we are; rotation may have removed some in between, which are then lost to us. */
  async #openNext(): Promise<Open | null> {
    const files = await listFiles(this.#folder, this.#stream);
    const file = files.find(({ number }) => number >= this.#number);
    if (file === undefined) return null;
    const opened = await openFile(this.#folder, file);
    if (opened === null) return null;
    if (file.number > this.#number) {
      if (this.#number > 0) this.#missed += file.number - this.#number;
      this.#offset = 0;
    }
    this.#number = file.number;
    return opened;
  }
}

/** `null`: rotation was faster, look again. */
async function openFile(folder: string, file: SegmentFile): Promise<Open | null> {
  const openPlain = (name: string) => openToRead(path.join(folder, name)).catch(nullIfMissing);
  const log = file.compressed ? await unpack(path.join(folder, file.name)) : await openPlain(file.name);
  if (log === null) return null;
  const index = await openPlain(indexName(file.stream, file.number));
  return { file, log, index, indexed: 0, entries: [], reader: new IndexReader() };
}

/** A reader that comes late finds a segment compressed: it is unpacked into a file that has no name any more. */
async function unpack(file: string): Promise<FileHandle | null> {
  const [{ createGunzip }, { createWriteStream }, { mkdtemp, rm }, { pipeline }, { tmpdir }] = await Promise.all([
    import('node:zlib'),
    import('node:fs'),
    import('node:fs/promises'),
    import('node:stream/promises'),
    import('node:os'),
  ]);
  const folder = await mkdtemp(path.join(tmpdir(), 'reeve-log-'));
  try {
    const plain = path.join(folder, 'segment');
    await pipeline(
      (await openToRead(file)).createReadStream(),
      createGunzip(),
      createWriteStream(plain, { mode: 0o600 }),
    );
    return await open(plain, 'r');
  } catch (error) {
    return nullIfMissing(error);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function readIndex(open: Open): Promise<void> {
  const buffer = Buffer.alloc(64 * 1024);
  while (open.index !== null) {
    const { bytesRead } = await open.index.read(buffer, 0, buffer.length, open.indexed);
    const whole = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1;
    if (whole === 0) break;
    open.indexed += whole;
    open.reader.add(buffer.toString('latin1', 0, whole));
  }
  open.entries = open.reader.entries;
  if (open.entries.length === 0) open.entries = [{ at: Date.now(), offset: 0, seq: 0, run: '' }]; // it has no index
}

function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}
