import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isReaderName, type LogStream, parseLogReader } from '@reeve/contract';
import { isSame, readOwnFile } from '@reeve/host';

/** Bytes; what a reader writes there is a hundred. */
const LARGEST = 4096;

/**
 * The segment that the slowest reader of a stream has come to, of those that must get every byte; null: there is none.
 * What a reader that has ended left behind is removed.
 */
export function slowestReader(folder: string, stream: LogStream): number | null {
  const places = readdirSync(folder)
    .filter(isReaderName)
    .flatMap((name) => placeIn(path.join(folder, name), stream) ?? []);
  return places.length === 0 ? null : Math.min(...places);
}

function placeIn(file: string, stream: LogStream): number | null {
  const read = readOwnFile(file, LARGEST);
  const reader = read.ok ? parseLogReader(read.text) : null;
  if (reader !== null && isSame(reader.process)) return reader[stream];
  rmSync(file, { force: true });
  return null;
}
