import type { IndexEntry } from '@reeve/contract';

export interface Slice {
  readonly bytes: Buffer;
  readonly entry: IndexEntry;
}

/** The last entry that begins at or before `offset`; the first if none does. By bisection. */
export function entryAt(entries: readonly IndexEntry[], offset: number): number {
  let low = 0;
  let high = entries.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((entries[middle]?.offset ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Cuts bytes that begin at `offset` where one entry ends and the next begins. Output that is missing just before one of
 * the bytes comes as a slice without bytes.
 */
export function entrySlices(bytes: Buffer, offset: number, entries: readonly IndexEntry[]): Slice[] {
  const slices: Slice[] = [];
  const end = offset + bytes.length;
  if (bytes.length === 0) return slices;
  for (let n = firstAt(entries, offset), from = offset; from < end; n += 1) {
    const entry = entries[n];
    if (entry === undefined) break;
    const to = Math.min(end, entries[n + 1]?.offset ?? end);
    if (entry.lost !== undefined && entry.offset === from) slices.push({ bytes: NONE, entry });
    else if (to > from) slices.push({ bytes: bytes.subarray(from - offset, to - offset), entry });
    from = Math.max(from, to);
  }
  return slices;
}

const NONE = Buffer.alloc(0);

/** The first entry that still matters for what begins at `offset`. */
export function firstAt(entries: readonly IndexEntry[], offset: number): number {
  let n = entryAt(entries, offset);
  while (entries[n - 1]?.lost !== undefined && entries[n - 1]?.offset === offset) n -= 1;
  return n;
}
