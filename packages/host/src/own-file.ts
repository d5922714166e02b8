import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

export type OwnFile =
  | { readonly ok: true; readonly text: string; readonly modified: number }
  /** One clause whose subject is the file; null: there is none. */
  | { readonly ok: false; readonly why: string | null };

/**
 * Reads a small file that only we can have written: a regular one, no link, ours, writable by no other user, and at most
 * `limit` bytes. Never blocks (a FIFO), never throws.
 */
export function readOwnFile(path: string, limit: number): OwnFile {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { ok: false, why: null };
    return { ok: false, why: code === 'ELOOP' ? 'is a symbolic link' : `cannot be read (${code})` };
  }
  try {
    const { mode, uid, size, mtimeMs } = fstatSync(fd);
    const refuse = (why: string): OwnFile => ({ ok: false, why });
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) return refuse('is not a regular file');
    if (process.geteuid && uid !== process.geteuid()) return refuse(`belongs to user ${uid}, not to you`);
    if (mode & 0o022) return refuse('is writable by others');
    if (size > limit) return refuse(`is larger than ${limit} bytes`);
    const bytes = Buffer.alloc(size);
    const length = size === 0 ? 0 : readSync(fd, bytes, 0, size, 0);
    return { ok: true, text: bytes.toString('utf8', 0, length), modified: mtimeMs };
  } catch (error) {
    return { ok: false, why: `cannot be read (${(error as NodeJS.ErrnoException).code})` };
  } finally {
    closeSync(fd);
  }
}
