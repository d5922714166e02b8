import { type IndexEntry, LINE_LIMIT, type LogStream, type LostOutput } from '@reeve/contract';
import type { LogLine } from './log-line.ts';

const NEWLINE = 10;
/** A line's place in its entry takes the lower bits of its `seq`: an entry covers at most 1 MiB, so it fits. */
const LINES_PER_ENTRY = 2 ** 20;

type Wanted = (entry: IndexEntry) => boolean;

/**
 * Makes lines out of one stream's bytes, each with the time and order of its first byte. A line ends at a newline, at
 * LINE_LIMIT (never within a character), or where another run begins.
 */
export class LineCutter {
  readonly #stream: LogStream;
  readonly #wanted: Wanted;
  readonly #raw: boolean;
  #held: Buffer[] = [];
  #size = 0;
  #tag: { readonly entry: IndexEntry; readonly index: number } | null = null;
  #entry: IndexEntry | null = null;
  #index = 0;
  /** What comes up to the next newline belongs to a line that is not shown. */
  #skipping: boolean;

  /** `torn`: the first bytes are the end of a line whose beginning is not read. `raw`: the lines carry their bytes. */
  constructor(
    stream: LogStream,
    options: { readonly wanted?: Wanted; readonly torn?: boolean; readonly raw?: boolean } = {},
  ) {
    this.#stream = stream;
    this.#raw = options.raw ?? false;
    this.#wanted = options.wanted ?? (() => true);
    this.#skipping = options.torn ?? false;
  }

  /** Whether a line has begun and not ended. */
  get isOpen(): boolean {
    return this.#tag !== null;
  }

  /** So many lines of `entry` are not read: those that are keep their order. */
  passOver(entry: IndexEntry, lines: number): void {
    this.#entry = entry;
    this.#index = lines;
  }

  /** The lines completed by `bytes`, which all belong to `entry`. The caller may use the buffer again afterwards. */
  push(bytes: Buffer, entry: IndexEntry): LogLine[] {
    const lines = this.#cut(bytes, entry);
    if (this.#held.length > 0) this.#held = [Buffer.concat(this.#held)];
    return lines;
  }

  #cut(bytes: Buffer, entry: IndexEntry): LogLine[] {
    const lines: LogLine[] = [];
    if (this.#entry !== null && (this.#entry.run !== entry.run || entry.lost !== undefined)) {
      this.#skipping = false;
      this.#finish(lines, false);
    }
    if (entry.lost !== undefined) {
      if (this.#wanted(entry)) lines.push(this.#gap(entry, entry.lost));
      return lines;
    }
    if (this.#entry?.seq !== entry.seq) this.#index = 0;
    this.#entry = entry;
    const wanted = this.#wanted(entry);
    for (let from = 0; from < bytes.length; ) {
      if (this.#tag === null && !wanted) return this.#pass(bytes, lines);
      const newline = bytes.indexOf(NEWLINE, from);
      const end = newline === -1 ? bytes.length : newline;
      if (!this.#skipping) this.#hold(bytes.subarray(from, end), lines);
      if (newline !== -1) this.#endLine(lines);
      from = end + 1;
    }
    return lines;
  }

  /** What has begun and not ended, as a line; its rest, if it comes, is another one. */
  flush(): LogLine[] {
    const lines: LogLine[] = [];
    this.#finish(lines, false);
    return lines;
  }

  #gap(entry: IndexEntry, lost: LostOutput): LogLine {
    const { at, seq, run } = entry;
    return { at, seq: seq * LINES_PER_ENTRY, run, stream: this.#stream, line: '', ended: false, lost };
  }

  /** Nothing of this entry is shown; but a line that is open at its end is not shown later, either. */
  #pass(bytes: Buffer, lines: LogLine[]): LogLine[] {
    this.#skipping = bytes[bytes.length - 1] !== NEWLINE;
    return lines;
  }

  #endLine(lines: LogLine[]): void {
    if (this.#skipping) this.#skipping = false;
    else this.#finish(lines, true);
  }

  /** An empty piece begins a line, too: an empty line is a line. */
  #hold(piece: Buffer, lines: LogLine[]): void {
    this.#begin();
    this.#held.push(piece);
    this.#size += piece.length;
    while (this.#size > LINE_LIMIT) {
      const whole = Buffer.concat(this.#held);
      const cut = characterStart(whole, LINE_LIMIT);
      this.#held = [whole.subarray(0, cut)];
      this.#finish(lines, false);
      this.#begin();
      this.#held = [whole.subarray(cut)];
      this.#size = whole.length - cut;
    }
  }

  #begin(): void {
    if (this.#entry === null || this.#tag !== null) return;
    this.#tag = { entry: this.#entry, index: this.#index };
    this.#index += 1;
  }

  #finish(lines: LogLine[], ended: boolean): void {
    const tag = this.#tag;
    if (tag === null) return;
    const [only] = this.#held;
    const whole = this.#held.length === 1 && only !== undefined ? only : Buffer.concat(this.#held);
    const { at, seq, run } = tag.entry;
    const line = whole.toString('utf8');
    const place = { at, seq: seq * LINES_PER_ENTRY + tag.index, run, stream: this.#stream };
    lines.push(this.#raw ? { ...place, line, ended, bytes: Buffer.from(whole) } : { ...place, line, ended });
    this.#held = [];
    this.#size = 0;
    this.#tag = null;
  }
}

/** The start of the UTF-8 character that lies over `at`, or `at` itself. */
function characterStart(bytes: Buffer, at: number): number {
  for (let start = at; start > at - 4; start -= 1) if (((bytes[start] ?? 0) & 0xc0) !== 0x80) return start;
  return at; // not UTF-8
}
