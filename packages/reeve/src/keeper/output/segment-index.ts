import { closeSync, fstatSync, ftruncateSync, writeSync } from 'node:fs';
import {
  formatIndexEntry,
  formatIndexMark,
  INDEX_MS,
  INDEX_SPAN,
  type IndexEntry,
  type LostOutput,
  MARK_MS,
} from '@reeve/contract';
import { openToAppend } from '@reeve/host';
import { tailOf } from './segment-files.ts';

const NEWLINE = 10;

export interface Seq {
  /** The `seq` of the next entry. */
  next(): number;
  /** Counts it as used. */
  take(): void;
}
/** Bytes that are about to be written at `offset`. */
export interface Coming {
  readonly now: number;
  readonly offset: number;
  readonly bytes: number;
  readonly run: string;
  /** Begins an entry in any case. */
  readonly fresh: boolean;
}

/** Writes the time index of one open segment. A write that does not fit on the disk leaves nothing behind and throws. */
export class SegmentIndex {
  readonly #fd: number;
  readonly #seq: Seq;
  #size: number;
  #entry: Pick<IndexEntry, 'at' | 'offset' | 'run'> | null;
  /** Time of the newest entry or mark; Infinity: what comes begins an entry. */
  #marked = Number.POSITIVE_INFINITY;

  /** `entry`: the newest one of the log, written by an earlier keeper: it says whose the last line is. */
  constructor(file: string, seq: Seq, entry: IndexEntry | null) {
    this.#fd = openToAppend(file);
    this.#seq = seq;
    this.#entry = entry;
    try {
      this.#size = withoutTornLine(this.#fd, file);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }
  /** Whose output the newest is. */
  get run(): string | null {
    return this.#entry?.run ?? null;
  }
  get fd(): number {
    return this.#fd;
  }

  /** Sees to it that the index says whose the coming bytes are and when they came. */
  cover({ now, offset, bytes, run, fresh }: Coming): void {
    const entry = this.#entry;
    const covered =
      entry !== null &&
      !fresh &&
      entry.run === run &&
      now >= this.#marked &&
      now - entry.at < INDEX_MS &&
      offset + bytes - entry.offset <= INDEX_SPAN;
    if (!covered) {
      this.#enter({ at: now, offset, run });
    } else if (now - this.#marked >= MARK_MS) {
      this.#write(formatIndexMark(now - entry.at, offset - entry.offset));
      this.#marked = now;
    }
  }

  /** Output of `run` is missing at `offset` since `at`. */
  missing(lost: LostOutput & { readonly at: number }, offset: number, run: string): void {
    this.#write(formatIndexEntry({ at: lost.at, offset, seq: this.#seq.next(), run, lost }));
    this.#seq.take();
    this.#marked = Number.POSITIVE_INFINITY;
  }

  /** The segment was cut by another program: what it holds now came from `at` on. */
  restart(at: number): void {
    if (this.#entry !== null) this.#enter({ at, offset: 0, run: this.#entry.run });
  }

  #enter(entry: Pick<IndexEntry, 'at' | 'offset' | 'run'>): void {
    this.#write(formatIndexEntry({ ...entry, seq: this.#seq.next() }));
    this.#seq.take();
    this.#entry = entry;
    this.#marked = entry.at;
  }

  #write(line: string): void {
    if (writeSync(this.#fd, line) < line.length) {
      ftruncateSync(this.#fd, this.#size);
      throw Object.assign(new Error('ENOSPC: no space left for an index entry'), { code: 'ENOSPC' });
    }
    this.#size += line.length;
  }
}

/** Takes a torn last line (crash, full disk) away, so that the next entry is not glued to it. The size that remains. */
function withoutTornLine(fd: number, file: string): number {
  const { size } = fstatSync(fd);
  if (size === 0) return 0;
  const tail = tailOf(file);
  const whole = size - (tail.length - (tail.lastIndexOf(NEWLINE) + 1));
  if (whole < size) ftruncateSync(fd, whole);
  return whole;
}
