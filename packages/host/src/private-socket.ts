import { chmodSync, lstatSync, type Stats, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { prepareFolder } from './safe-folder.ts';

/** `sun_path` holds 108 bytes and Node 20 cuts a longer path silently: it would listen elsewhere. */
const PATH_BYTES = 100;

/**
 * Listens at `path`: mode 0600 in a folder of ours with mode 0700 (made if it is missing), whatever the umask.
 * A socket that lies there already is removed WITHOUT asking whether a process listens: only the holder of the lock that
 * goes with it (of the daemon, or of the service) may call this, so the process that made that socket is dead.
 * Throws USAGE (path too long), HOME_UNSAFE, or what the system says.
 */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > PATH_BYTES) {
    throw new ReeveError('USAGE', {
      message: `the socket path ${path} is longer than ${PATH_BYTES} bytes, more than the system allows`,
      hint: 'choose a shorter --home',
    });
  }
  prepareFolder(dirname(path), 'no-other-enters');
  removeStale(path);
  await listen(server, path);
  // Again, for a system where the umask does not reach the socket's mode.
  chmodSync(path, 0o600);
  const made = lstatSync(path);
  if (!made.isSocket() || !isOurs(made) || made.mode & 0o077) throw unsafe(path, 'others may connect to it');
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.removeListener('error', reject);
      resolve();
    });
    // bind(2) happens inside listen(): no file of another caller can be made under this umask.
    const before = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
  });
}

function removeStale(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket()) throw unsafe(path, 'something other than a socket is there');
  unlinkSync(path);
}

function isOurs(stat: Stats): boolean {
  return process.geteuid === undefined || stat.uid === process.geteuid();
}

function unsafe(path: string, why: string): ReeveError {
  return new ReeveError('HOME_UNSAFE', { path, why, hint: `look at it with: ls -l ${path}` });
}
