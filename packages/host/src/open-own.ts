import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { type FileHandle, open as openHandle } from 'node:fs/promises';
import { ReeveError } from '@reeve/contract';

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_EXCL, S_IFMT, S_IFREG } = constants;

/**
 * Opens a file of reeve's own for appending and reading, and makes it (0600) where it is missing. A link that lies in
 * its place is not followed: the user who put it there chose what would be written to. Throws HOME_UNSAFE, or what the
 * system says.
 */
export function openToAppend(path: string): number {
  return open(path, O_RDWR | O_APPEND | O_CREAT);
}

/** The same for a file that must not be there yet. Throws EEXIST. */
export function openNew(path: string): number {
  return open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
}

/** Opens a file of reeve's own that is there, to change what is in it. */
export function openToChange(path: string): number {
  return open(path, O_RDWR);
}

/** The same for reading: what a link leads to would be shown as what a service has written. */
export async function openToRead(path: string): Promise<FileHandle> {
  const handle = await openHandle(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ELOOP' ? unsafe(path, 'it is a symbolic link', error) : error;
  });
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw unsafe(path, 'it is not a regular file');
}

/** Throws HOME_UNSAFE when a link lies there. Nothing lies there: fine. */
export function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) throw unsafe(path, 'it is a symbolic link');
}

function open(path: string, flags: number): number {
  let fd: number;
  try {
    fd = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw unsafe(path, 'it is a symbolic link', error);
    throw error;
  }
  if ((fstatSync(fd).mode & S_IFMT) === S_IFREG) return fd;
  closeSync(fd);
  throw unsafe(path, 'it is not a regular file');
}

function unsafe(path: string, why: string, cause?: unknown): ReeveError {
  const hint = `look at it (ls -l ${path}) and remove it: reeve makes a file of its own there`;
  return new ReeveError('HOME_UNSAFE', { path, why, hint }, cause === undefined ? {} : { cause });
}
