import { closeSync, fstatSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import {
  type IndexEntry,
  indexName,
  type LogStream,
  parseIndexEntry,
  parseSegmentName,
  type SegmentFile,
  segmentName,
} from '@reeve/contract';

const TAIL = 4096;

/** The segments of one stream in a folder, oldest first; one that lies there twice (plain and compressed) only once. */
export function listSegments(folder: string, stream: LogStream): SegmentFile[] {
  const found = new Map<number, SegmentFile>();
  for (const name of readdirSync(folder)) {
    const file = parseSegmentName(name);
    if (file?.stream !== stream) continue;
    if (!file.compressed || !found.has(file.number)) found.set(file.number, file);
  }
  return [...found.values()].sort((a, b) => a.number - b.number);
}

/** Removes a segment in all its forms, and then its index: a reader never meets text without times. */
export function removeSegment(folder: string, stream: LogStream, number: number): void {
  for (const file of filesOf(folder, stream, number)) rmSync(file, { force: true });
}

const going = new Set<string>();

/**
 * The same without waiting. Freeing the pages of a large file takes longer than filling them, so at full speed this
 * is what would hold every service up. Errors go to `report`.
 */
export function removeSegmentSoon(folder: string, file: SegmentFile, report: (message: string) => void): void {
  const key = path.join(folder, file.name);
  if (going.has(key)) return;
  going.add(key);
  const remove = async (): Promise<void> => {
    for (const each of filesOf(folder, file.stream, file.number)) await rm(each, { force: true });
  };
  remove()
    .catch((error: Error) => report(`cannot remove ${key}: ${error.message}`))
    .finally(() => going.delete(key));
}

function filesOf(folder: string, stream: LogStream, number: number): readonly string[] {
  const plain = path.join(folder, segmentName(stream, number));
  return [plain, `${plain}.gz`, path.join(folder, indexName(stream, number))];
}

/** Bytes on disk and time of the last write; `null`: it is gone. */
export function segmentStat(folder: string, file: SegmentFile): { readonly bytes: number; readonly at: number } | null {
  const stat = statSync(path.join(folder, file.name), { throwIfNoEntry: false });
  return stat === undefined ? null : { bytes: stat.size, at: stat.mtimeMs };
}

/** The last whole entry of a stream's newest index that has one. */
export function lastEntry(folder: string, stream: LogStream): IndexEntry | null {
  for (const { number } of listSegments(folder, stream).reverse()) {
    const lines = tailOf(path.join(folder, indexName(stream, number)))
      .toString('latin1')
      .split('\n')
      .slice(0, -1);
    for (const line of lines.reverse()) {
      const entry = parseIndexEntry(line);
      if (entry !== null) return entry;
    }
  }
  return null;
}

/** The last bytes of a file; empty when it is empty or not there. */
export function tailOf(file: string): Buffer {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return Buffer.alloc(0);
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(TAIL, size));
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, size - buffer.length));
  } finally {
    closeSync(fd);
  }
}
