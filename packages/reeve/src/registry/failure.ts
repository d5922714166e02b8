import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { isBackupOf } from './backup.ts';

/** Primary result codes of SQLite. Source: https://sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const PERM = 3;
const NOTADB = 26;
/** The shared-memory file could not be made longer: the disk is full. */
const IOERR_SHMSIZE = IOERR | (19 << 8);
/** A rollback journal waits to be played back, which a reader may not do. */
const READONLY_ROLLBACK = READONLY | (3 << 8);

/** SQLite's extended result code, or null when the error is not SQLite's. */
function codeOf(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  const { code, errcode } = error as Error & { readonly code?: unknown; readonly errcode?: unknown };
  return code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' ? errcode : null;
}
function primary(error: unknown): number | null {
  const code = codeOf(error);
  return code === null ? null : code & 0xff;
}

/** After a failed write or fsync it is unknown what is on the disk: the connection has to be opened again and checked. */
export function isDiskFailure(error: unknown): boolean {
  return primary(error) === IOERR && codeOf(error) !== IOERR_SHMSIZE;
}
/** What the file holds is not a database, or not a whole one. */
export function isDamage(error: unknown): boolean {
  const code = primary(error);
  return code === CORRUPT || code === NOTADB;
}
export function needsPlayback(error: unknown): boolean {
  return codeOf(error) === READONLY_ROLLBACK;
}
export function cannotOpen(error: unknown): boolean {
  const code = primary(error);
  return code === CANTOPEN || code === READONLY || code === PERM || code === IOERR;
}

/**
 * SQLite's errors in the words of the catalogue; any other error is given back as it is. `doing` ends "cannot … the
 * registry".
 */
export function explain(error: unknown, file: string, doing: 'read' | 'write' | 'open'): unknown {
  if (error instanceof RangeError && (error as NodeJS.ErrnoException).code === 'ERR_OUT_OF_RANGE') {
    return damaged(file, error.message, error);
  }
  const options = { cause: error };
  const why = error instanceof Error ? error.message : String(error);
  switch (primary(error) ?? 0) {
    case BUSY:
    case LOCKED:
    case PROTOCOL:
      return new ReeveError('REGISTRY_BUSY', { file }, options);
    case FULL:
      return new ReeveError('DISK_FULL', { path: file }, options);
    case CORRUPT:
    case NOTADB:
      return damaged(file, why, error);
    case IOERR:
      if (codeOf(error) === IOERR_SHMSIZE) return new ReeveError('DISK_FULL', { path: file }, options);
      return new ReeveError('REGISTRY_UNUSABLE', { file, doing, why: `${why} (${codeOf(error)})` }, options);
    case READONLY:
    case CANTOPEN:
    case PERM:
      return new ReeveError('REGISTRY_UNUSABLE', { file, doing, why }, options);
    default:
      return explainSystem(error, file, doing) ?? error;
  }
}

const REFUSED: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP']);

/** What the system says when the file is made or copied outside of SQLite. */
function explainSystem(error: unknown, file: string, doing: string): ReeveError | null {
  if (!(error instanceof Error)) return null;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ReeveError('DISK_FULL', { path: file }, { cause: error });
  if (!REFUSED.has(code)) return null;
  return new ReeveError('REGISTRY_UNUSABLE', { file, doing, why: error.message }, { cause: error });
}

/** REGISTRY_DAMAGED, with what can be done with what lies beside the file. */
export function damaged(file: string, why: string, cause?: unknown): ReeveError {
  const folder = dirname(file);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const backup = names
    .filter((name) => isBackupOf(file, name))
    .sort()
    .at(-1);
  const next = backup ? `; a backup lies beside it: ${backup}` : '';
  const hint = `nothing was changed; reeve daemon start sets ${basename(file)} aside, begins a new one and takes over what runs${next}`;
  return new ReeveError('REGISTRY_DAMAGED', { file, why, hint }, cause === undefined ? {} : { cause });
}
