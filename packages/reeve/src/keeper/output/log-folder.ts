import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { LOG_STREAMS, type LogSpec, type LogStream, ReeveError, type SegmentFile } from '@reeve/contract';
import type { Compressor } from './compressor.ts';
import { lastEntry, listSegments, removeSegment, removeSegmentSoon, segmentStat } from './segment-files.ts';
import { SegmentWriter } from './segment-writer.ts';
import { slowestReader } from './slowest-reader.ts';

/** A segment smaller than this would cost more in files than it holds. Bytes. */
const LEAST_SIZE = 4096;
/** After a refusal nothing is tried for so long (ms): at full speed every try would only cost. */
const RETRY = 50;
const FULL = new Set(['ENOSPC', 'EDQUOT']);
/** So many segments a reader that must get every byte may be behind, and how often it is looked for then (ms). */
const MOST_BEHIND = 2;
const HOLD = 50;

/** What became of a chunk. `lost` bytes could not be written. */
export interface Outcome {
  readonly lost: number;
  readonly why: string | null;
}
export interface LogWorld {
  readonly compressor: Compressor;
  readonly report: (message: string) => void;
  /** Closes files of folders that were not written to for longest; false: there are none. */
  readonly spareDescriptors: (but: LogFolder) => boolean;
}
const ALL_WRITTEN: Outcome = { lost: 0, why: null };

/** The log folder of one instance: both streams, one order, rotation. Never throws for what a disk can do. */
export class LogFolder {
  readonly #folder: string;
  readonly #compressor: Compressor;
  readonly #spareDescriptors: LogWorld['spareDescriptors'];
  readonly #report: (message: string) => void;
  readonly #writers: Readonly<Record<LogStream, SegmentWriter>>;
  #rotation: LogSpec;
  #seq: number | null = null;
  #last: LogStream | null = null;
  /** Another program has removed, cut or replaced an open file. */
  onGone: (why: string) => void = () => undefined;
  /** By the monotonic clock. */
  lastWrite = 0;
  #refused: { readonly until: number; readonly why: string } | null = null;
  /** Streams whose reader is too far behind, and when that was looked at (monotonic). */
  readonly #held = new Map<LogStream, number>();

  constructor(folder: string, rotation: LogSpec, world: LogWorld) {
    this.#folder = folder;
    this.#report = world.report;
    this.#spareDescriptors = world.spareDescriptors;
    this.#rotation = rotation;
    this.#compressor = world.compressor;
    this.#writers = { out: this.#writer('out'), err: this.#writer('err') };
  }

  set rotation(rotation: LogSpec) {
    this.#rotation = rotation;
  }

  write(stream: LogStream, run: string, chunk: Buffer): Outcome {
    const now = Date.now();
    if (this.#refused !== null && now < this.#refused.until && now > this.#refused.until - 2 * RETRY) {
      this.#writers[stream].lose(chunk.length, this.#refused.why);
      return { lost: chunk.length, why: this.#refused.why };
    }
    this.#refused = null;
    this.lastWrite = performance.now();
    const writer = this.#writers[stream];
    const fresh = this.#last !== stream;
    this.#last = stream;
    let { written, error } = writer.write(chunk, run, fresh);
    while (error !== null && this.#canGoOn(error)) {
      const more = writer.write(chunk.subarray(written), run, false);
      written += more.written;
      error = more.error;
    }
    return error === null ? ALL_WRITTEN : this.#refuse(writer, chunk.length - written, error);
  }

  /**
   * Whether no more of the stream may be read for now: a reader that must get every byte is too far behind. What writes
   * is blocked then, as by any pipe.
   */
  isHeld(stream: LogStream): boolean {
    const looked = this.#held.get(stream);
    if (looked === undefined) return false;
    if (performance.now() - looked >= HOLD) this.#lookForReaders(stream);
    return this.#held.has(stream);
  }

  #lookForReaders(stream: LogStream): void {
    const newest = this.#writers[stream].number;
    const place = newest === null ? null : slowestReader(this.#folder, stream);
    const most = Math.max(1, Math.min(MOST_BEHIND, this.#rotation.max_files - 1));
    if (newest !== null && place !== null && newest - place >= most) this.#held.set(stream, performance.now());
    else this.#held.delete(stream);
  }

  /** Removes closed segments that are too many or too old, and has the others compressed. */
  tidy(stream: LogStream): void {
    const { max_files, max_age, compress } = this.#rotation;
    const newest = this.#writers[stream].number;
    if (newest === null) return;
    for (const file of this.#closed(stream)) {
      const stat = segmentStat(this.#folder, file);
      const old = max_age !== null && stat !== null && Date.now() - stat.at > max_age;
      if (old || file.number <= newest - max_files) removeSegmentSoon(this.#folder, file, this.#report);
      else if (compress && !file.compressed) this.#compressor.add(path.join(this.#folder, file.name));
    }
  }

  /** Looks whether the open files are still there, for streams that are silent. */
  check(): void {
    for (const stream of LOG_STREAMS) this.#writers[stream].check(Date.now());
  }

  /** Whether it has files open that the next write would open again. */
  get isOpen(): boolean {
    return LOG_STREAMS.some((stream) => this.#writers[stream].number !== null);
  }

  close(): void {
    for (const stream of LOG_STREAMS) this.#writers[stream].finish();
  }

  #refuse(writer: SegmentWriter, lost: number, error: NodeJS.ErrnoException): Outcome {
    const code = error.code ?? error.message;
    const why = FULL.has(code) ? `the disk is full (${code})` : `the log cannot be written (${reasonOf(error)})`;
    writer.lose(lost, why);
    if (!FULL.has(code)) writer.close(); // open it anew: the file may have become bad, or its folder gone
    this.#refused = { until: Date.now() + RETRY, why };
    return { lost, why };
  }

  #canGoOn({ code = '' }: NodeJS.ErrnoException): boolean {
    if (FULL.has(code)) return this.#makeRoom();
    return code === 'EMFILE' && this.#spareDescriptors(this);
  }

  /** The disk is full: what is newest is worth more than what is oldest. false: nothing is left to remove. */
  #makeRoom(): boolean {
    try {
      const oldest = LOG_STREAMS.flatMap((stream) => this.#closed(stream)).sort(
        (a, b) => this.#age(a) - this.#age(b),
      )[0];
      if (oldest === undefined) return false;
      removeSegment(this.#folder, oldest.stream, oldest.number);
      return true;
    } catch {
      return false; // the caller reports the refusal that led here
    }
  }

  #age(file: SegmentFile): number {
    return segmentStat(this.#folder, file)?.at ?? 0;
  }

  #closed(stream: LogStream): SegmentFile[] {
    const newest = this.#writers[stream].number;
    const segments = listSegments(this.#folder, stream);
    return segments.filter((file) => file.number < (newest ?? segments.at(-1)?.number ?? 0));
  }

  #writer(stream: LogStream): SegmentWriter {
    return new SegmentWriter({
      folder: this.#folder,
      stream,
      max: () => Math.max(LEAST_SIZE, this.#rotation.max_size),
      seq: {
        next: () => (this.#seq ??= this.#lastSeq() + 1),
        take: () => {
          this.#seq = (this.#seq ?? 0) + 1;
        },
      },
      onRotated: () => {
        this.tidy(stream);
        this.#lookForReaders(stream);
      },
      onGone: (why) => this.onGone(why),
    });
  }

  #lastSeq(): number {
    this.#removeRemains();
    return Math.max(0, ...LOG_STREAMS.map((stream) => lastEntry(this.#folder, stream)?.seq ?? 0));
  }

  /** Half-written compressed files of a keeper that was killed. */
  #removeRemains(): void {
    for (const name of readdirSync(this.#folder)) {
      if (name.endsWith('.gz.tmp')) rmSync(path.join(this.#folder, name), { force: true });
    }
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  return error instanceof ReeveError ? error.message : (error.code ?? error.message);
}
