import { closeSync, fstatSync, mkdirSync, rmSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { indexName, type LogStream, segmentName } from '@reeve/contract';
import { openToAppend, refuseLink } from '@reeve/host';
import { cutAt } from './segment-cut.ts';
import { lastEntry, listSegments, tailOf } from './segment-files.ts';
import { SegmentIndex, type Seq } from './segment-index.ts';

const NEWLINE = 10;
const NEWLINES = Buffer.from('\n');

export interface SegmentOrder {
  readonly folder: string;
  readonly stream: LogStream;
  /** The most that a segment may hold, in bytes. */
  readonly max: () => number;
  readonly seq: Seq;
  /** A new segment begins: `number` is open now, all before it are closed. */
  readonly onRotated: (number: number) => void;
  /** Another program has removed, cut or replaced the open segment: a new one begins with the next chunk. */
  readonly onGone: (why: string) => void;
}

/** While chunks come, the open file is looked at so often (ms): a read of its metadata, no more. */
const CHECK_MS = 250;

interface Open {
  readonly log: number;
  readonly index: SegmentIndex;
  readonly number: number;
  readonly inode: number;
  size: number;
  lineOpen: boolean;
}

/** Appends one stream's chunks to its segments, and their time index. Continues where an earlier keeper stopped. */
export class SegmentWriter {
  readonly #order: SegmentOrder;
  #open: Open | null = null;
  /** Output that is missing before what comes next. */
  #lost: { readonly at: number; readonly bytes: number; readonly why: string } | null = null;
  #checked = 0;
  /** Number of the newest segment that we had open. */
  #newest = 0;
  /** That one is not ours any more. */
  #lostFile = false;

  constructor(order: SegmentOrder) {
    this.#order = order;
  }

  /**
   * How many bytes are written; fewer than all when the system refuses (`error`).
   * `fresh`: the other stream wrote in between, so that a new index entry keeps the order of arrival.
   */
  write(
    chunk: Buffer,
    run: string,
    fresh: boolean,
  ): { readonly written: number; readonly error: NodeJS.ErrnoException | null } {
    let written = 0;
    try {
      const now = Date.now();
      if (Math.abs(now - this.#checked) >= CHECK_MS) this.check(now);
      for (let first = fresh; written < chunk.length; first = false) {
        written += this.#step(written === 0 ? chunk : chunk.subarray(written), run, now, first);
      }
      return { written, error: null };
    } catch (error) {
      return { written, error: error as NodeJS.ErrnoException };
    }
  }

  /** Bytes are missing between what is written and what comes: the log shows where, and the open line ends there. */
  lose(bytes: number, why: string): void {
    if (bytes === 0) return;
    this.#lost = { at: this.#lost?.at ?? Date.now(), bytes: (this.#lost?.bytes ?? 0) + bytes, why };
  }

  /** Looks whether the open file is still the one that we write, and begins another one if not. */
  check(now: number): void {
    this.#checked = now;
    const open = this.#open;
    if (open === null) return;
    const gone = this.#lookAt(open);
    if (gone === null) return;
    const name = segmentName(this.#order.stream, open.number);
    const why = `${name} was ${gone.how} by another program`;
    // Where one of these fails, the reader sees that the index says more than the file holds.
    quietly(() => {
      if (gone.how === 'truncated') open.index.restart(now - CHECK_MS);
      if (gone.how === 'removed') rmSync(this.#paths(open.number).index, { force: true });
    });
    this.close();
    this.#lostFile = true;
    this.lose(gone.bytes, why);
    this.#order.onGone(why);
  }

  /** The number of the open segment; `null`: none is open. */
  get number(): number | null {
    return this.#open?.number ?? null;
  }

  close(): void {
    const open = this.#open;
    this.#open = null;
    if (open !== null) for (const fd of [open.log, open.index.fd]) closeQuietly(fd);
  }

  /** Nothing more comes: if output is missing at the end, the index says so where it can. */
  finish(): void {
    const { open, lost } = { open: this.#open, lost: this.#lost };
    const run = open?.index.run ?? null;
    quietly(() => {
      if (open !== null && lost !== null && run !== null) open.index.missing(lost, open.size, run);
    });
    this.#lost = null;
    this.close();
  }

  #step(chunk: Buffer, run: string, now: number, fresh: boolean): number {
    const open = this.#opened();
    const max = this.#order.max();
    const lost = this.#lost;
    if (open.lineOpen && (lost !== null || open.index.run !== run)) this.#append(open, NEWLINES);
    if (lost !== null) open.index.missing(lost, open.size, run);
    this.#lost = null;
    const cut = open.index.size >= max ? 0 : cutAt(chunk, { size: open.size, max, lineOpen: open.lineOpen });
    if (cut === 0) {
      this.#rotate(open);
      return 0;
    }
    open.index.cover({ now, offset: open.size, bytes: cut, run, fresh });
    return this.#append(open, cut === chunk.length ? chunk : chunk.subarray(0, cut));
  }

  #lookAt(open: Open): { readonly how: 'removed' | 'replaced' | 'truncated'; readonly bytes: number } | null {
    let found: { readonly ino: number; readonly size: number } | undefined;
    try {
      found = statSync(this.#paths(open.number).log, { throwIfNoEntry: false });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') return null; // we cannot know
    }
    if (found === undefined) return { how: 'removed', bytes: open.size };
    if (found.ino !== open.inode) return { how: 'replaced', bytes: open.size };
    return found.size < open.size ? { how: 'truncated', bytes: open.size - found.size } : null;
  }

  #append(open: Open, chunk: Buffer): number {
    const written = writeSync(open.log, chunk, 0, chunk.length);
    open.size += written;
    open.lineOpen = chunk[written - 1] !== NEWLINE;
    return written;
  }

  #rotate(open: Open): void {
    const { number } = open;
    const next = this.#openFiles(number + 1);
    this.close();
    this.#open = next;
    this.#order.onRotated(number + 1);
  }

  #opened(): Open {
    if (this.#open !== null) return this.#open;
    const { folder, stream } = this.#order;
    refuseLink(folder);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const last = listSegments(folder, stream).at(-1);
    const next = last === undefined ? 1 : last.compressed ? last.number + 1 : last.number;
    const opened = this.#openFiles(this.#lostFile ? Math.max(next, this.#newest) + 1 : next);
    this.#lostFile = false;
    this.#open = opened;
    this.#order.onRotated(opened.number);
    return opened;
  }

  #paths(number: number): { readonly log: string; readonly index: string } {
    const { folder, stream } = this.#order;
    return { log: path.join(folder, segmentName(stream, number)), index: path.join(folder, indexName(stream, number)) };
  }

  #openFiles(number: number): Open {
    const { folder, stream, seq } = this.#order;
    const files = this.#paths(number);
    const has = statSync(files.log, { throwIfNoEntry: false })?.size ?? 0;
    const index = new SegmentIndex(files.index, seq, has > 0 ? lastEntry(folder, stream) : null);
    try {
      const log = openToAppend(files.log);
      const { size, ino: inode } = fstatSync(log);
      const lineOpen = size > 0 && tailOf(files.log).at(-1) !== NEWLINE;
      this.#newest = number;
      return { log, index, number, inode, size, lineOpen };
    } catch (error) {
      closeSync(index.fd);
      throw error;
    }
  }
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // the disk is full, or read-only
  }
}

/** A network file system may tell at close what went wrong with an earlier write: nothing is left to do about it then. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') throw error;
  }
}
