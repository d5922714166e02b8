import { closeSync, fstatSync, ftruncateSync, mkdirSync, writeSync } from 'node:fs';
import path from 'node:path';
import { formatIndexEntry, INDEX_MS, INDEX_SPAN, indexName, type LogStream, segmentName } from '@reeve/contract';
import { openToAppend, refuseLink } from '@reeve/host';
import { cutAt } from './segment-cut.ts';
import { lastEntry, listSegments, tailOf } from './segment-files.ts';

const NEWLINE = 10;
const NEWLINES = Buffer.from('\n');

export interface SegmentOrder {
  readonly folder: string;
  readonly stream: LogStream;
  /** The most that a segment may hold, in bytes. */
  readonly max: () => number;
  /** The `seq` of the next index entry; `take` counts it as used. */
  readonly seq: { next(): number; take(): void };
  /** A new segment begins: `number` is open now, all before it are closed. */
  readonly onRotated: (number: number) => void;
}

interface Open {
  readonly log: number;
  readonly index: number;
  readonly number: number;
  size: number;
  indexSize: number;
  lineOpen: boolean;
  entry: { readonly at: number; readonly offset: number; readonly run: string } | null;
}

/** Appends one stream's chunks to its segments, and their time index. Goes on where an earlier keeper stopped. */
export class SegmentWriter {
  readonly #order: SegmentOrder;
  #open: Open | null = null;
  #torn = false;

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
      for (let first = fresh; written < chunk.length; first = false) {
        written += this.#step(written === 0 ? chunk : chunk.subarray(written), run, now, first);
      }
      return { written, error: null };
    } catch (error) {
      return { written, error: error as NodeJS.ErrnoException };
    }
  }

  /** Bytes are missing between what is written and what comes: the line that is open must not swallow the next. */
  tear(): void {
    this.#torn = true;
  }

  /** The number of the open segment; `null`: none is open. */
  get number(): number | null {
    return this.#open?.number ?? null;
  }

  close(): void {
    const open = this.#open;
    this.#open = null;
    if (open !== null) for (const fd of [open.log, open.index]) closeQuietly(fd);
  }

  #step(chunk: Buffer, run: string, now: number, fresh: boolean): number {
    const open = this.#opened();
    const max = this.#order.max();
    if (open.lineOpen && (this.#torn || open.entry?.run !== run)) this.#append(open, NEWLINES);
    this.#torn = false;
    const cut = open.indexSize >= max ? 0 : cutAt(chunk, { size: open.size, max, lineOpen: open.lineOpen });
    if (cut === 0) {
      this.#rotate(open);
      return 0;
    }
    this.#index(open, run, { now, bytes: cut, fresh });
    return this.#append(open, cut === chunk.length ? chunk : chunk.subarray(0, cut));
  }

  #append(open: Open, chunk: Buffer): number {
    const written = writeSync(open.log, chunk, 0, chunk.length);
    open.size += written;
    open.lineOpen = chunk[written - 1] !== NEWLINE;
    return written;
  }

  #index(open: Open, run: string, next: { now: number; bytes: number; fresh: boolean }): void {
    const { entry } = open;
    const covered =
      entry !== null &&
      !next.fresh &&
      entry.run === run &&
      Math.abs(next.now - entry.at) < INDEX_MS &&
      open.size + next.bytes - entry.offset <= INDEX_SPAN;
    if (covered) return;
    const { seq } = this.#order;
    const line = formatIndexEntry({ at: next.now, offset: open.size, seq: seq.next(), run });
    if (writeSync(open.index, line) < line.length) {
      ftruncateSync(open.index, open.indexSize);
      throw Object.assign(new Error('ENOSPC: no space left for an index entry'), { code: 'ENOSPC' });
    }
    seq.take();
    open.indexSize += line.length;
    open.entry = { at: next.now, offset: open.size, run };
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
    const opened = this.#openFiles(last === undefined ? 1 : last.compressed ? last.number + 1 : last.number);
    this.#open = opened;
    this.#order.onRotated(opened.number);
    return opened;
  }

  #openFiles(number: number): Open {
    const { folder, stream } = this.#order;
    const files = {
      log: path.join(folder, segmentName(stream, number)),
      index: path.join(folder, indexName(stream, number)),
    };
    const index = openToAppend(files.index);
    try {
      const indexSize = mendIndex(index, files.index);
      const log = openToAppend(files.log);
      const { size } = fstatSync(log);
      const lineOpen = size > 0 && tailOf(files.log).at(-1) !== NEWLINE;
      const entry = size > 0 ? lastEntry(folder, stream) : null;
      return { log, index, number, size, indexSize, lineOpen, entry };
    } catch (error) {
      closeSync(index);
      throw error;
    }
  }
}

/** Takes a torn last line (crash, full disk) away, so that the next entry is not glued to it. The size that remains. */
function mendIndex(fd: number, file: string): number {
  const { size } = fstatSync(fd);
  if (size === 0) return 0;
  const tail = tailOf(file);
  const whole = size - (tail.length - (tail.lastIndexOf(NEWLINE) + 1));
  if (whole < size) ftruncateSync(fd, whole);
  return whole;
}

/** A network file system may tell at close what went wrong with an earlier write: nothing is left to do about it then. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') throw error;
  }
}
