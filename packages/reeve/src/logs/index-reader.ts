import { type IndexEntry, parseIndexEntry, parseIndexMark } from '@reeve/contract';

/** An index as it is read, line by line; it may still grow. */
export class IndexReader {
  #entries: IndexEntry[] = [];
  #base: IndexEntry | null = null;

  /** By offset. */
  get entries(): readonly IndexEntry[] {
    return this.#entries;
  }

  /** Adds whole lines. */
  add(text: string): void {
    for (const line of text.split('\n')) this.#line(line);
  }

  /** Drops what comes before the entry with this place in `entries`. */
  forget(before: number): void {
    this.#entries = this.#entries.slice(before);
  }

  #line(line: string): void {
    const entry = line.startsWith('+') ? this.#mark(line) : parseIndexEntry(line);
    if (entry === null) return;
    if (!line.startsWith('+')) this.#base = entry.lost === undefined ? entry : null;
    const last = this.#entries.at(-1);
    if (last !== undefined && entry.offset < last.offset) this.#entries = [];
    this.#entries.push(entry);
  }

  #mark(line: string): IndexEntry | null {
    const mark = parseIndexMark(line);
    const base = this.#base;
    if (mark === null || base === null) return null;
    return { ...base, at: base.at + mark.ms, offset: base.offset + mark.bytes };
  }
}
