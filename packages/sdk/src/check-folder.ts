import { lstatSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { ReeveError } from '@reeve/contract';

/** `sun_path` holds 108 bytes and Node 20 cuts a longer path silently: it would reach another socket. */
const PATH_BYTES = 100;

/**
 * A user who may write in the socket's folder can put a socket there. So before connecting: the path fits,
 * and its folder is a real folder, ours or root's, that no other user may write to.
 * Throws USAGE (path too long), HOME_UNSAFE, or DAEMON_UNREACHABLE when there is no such folder.
 */
export function checkSocketFolder(socket: string, home: string): void {
  if (Buffer.byteLength(socket) > PATH_BYTES) {
    throw new ReeveError('USAGE', {
      message: `the socket path ${socket} is longer than ${PATH_BYTES} bytes, more than the system allows`,
      hint: 'choose a shorter --home',
    });
  }
  const path = dirname(socket);
  const stat = lookAt(path);
  if (!stat) throw new ReeveError('DAEMON_UNREACHABLE', { home, why: `no socket at ${socket}`, how: 'absent' });
  const me = process.getuid?.();
  if (stat.isSymbolicLink()) throw unsafe(path, 'it is a symbolic link', 'remove it, or choose another --home');
  if (!stat.isDirectory()) throw unsafe(path, 'it is not a folder', 'remove it, or choose another --home');
  if (me === undefined) return;
  if (stat.uid !== me && stat.uid !== 0) {
    throw unsafe(path, `it belongs to user ${stat.uid}, not to you`, 'choose another --home');
  }
  if (stat.mode & 0o022) throw unsafe(path, 'it is writable by others', `chmod 700 ${path}`);
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
    throw unsafe(dirname(path), 'it is not a folder', 'remove it, or choose another --home');
  }
}

function unsafe(path: string, why: string, hint: string): ReeveError {
  return new ReeveError('HOME_UNSAFE', { path, why, hint });
}
