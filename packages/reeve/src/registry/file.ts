import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { refuseLink } from '@reeve/host';
import { damaged } from './failure.ts';

const COMPANIONS = ['', '-wal', '-shm'];

/**
 * Makes the file where it is missing, for its owner alone: it holds the environment of services. Called before SQLite
 * has it open, never after: to close a second descriptor of it would drop SQLite's locks.
 */
export function prepareFile(file: string): void {
  refuseLinks(file);
  const size = sizeOf(file);
  if (size === null) closeSync(openSync(file, 'wx', 0o600));
  refuseLostFile(file, size);
  for (const companion of COMPANIONS) closeToOthers(file + companion);
}

/** A file cut to nothing beside a WAL that holds something: SQLite would take it for new and delete the WAL. */
export function refuseLostFile(file: string, size: number | null): void {
  if ((size ?? 0) > 0) return;
  const wal = sizeOf(`${file}-wal`) ?? 0;
  if (wal > 0) throw damaged(file, `it is ${size === null ? 'missing' : 'empty'} while ${wal} bytes wait in its -wal`);
}

/** Nothing is read, written or given another mode through a link. Throws HOME_UNSAFE. */
export function refuseLinks(file: string): void {
  for (const companion of COMPANIONS) refuseLink(file + companion);
}

/** Bytes; null when there is no such file. */
export function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

function closeToOthers(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat && (stat.mode & 0o077) !== 0 && process.platform !== 'win32') chmodSync(path, 0o600);
}
