import { statSync } from 'node:fs';
import { readProc } from './proc-stat.ts';

/** Which process took each `flock(2)` of this machine: `device:inode` as the kernel writes it → pid. Source: proc(5). */
export function parseLocks(text: string): ReadonlyMap<string, number> {
  const holders = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, pid = '', major = '', minor = '', inode = ''] =
      /^\d+: FLOCK +ADVISORY +WRITE (\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line) ?? [];
    if (inode !== '') holders.set(keyOf(Number.parseInt(major, 16), Number.parseInt(minor, 16), inode), Number(pid));
  }
  return holders;
}

/** Who holds the lock of a file; null: no process, or there is no such file. */
export function lockHolders(): (file: string) => number | null {
  const holders = parseLocks(readProc('/proc/locks') ?? '');
  return (file) => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found) return null;
    // Source: makedev(3) of Linux.
    const major = Math.floor(found.dev / 256) % 4096;
    const minor = (found.dev % 256) + Math.floor(found.dev / 2 ** 20) * 256;
    return holders.get(keyOf(major, minor, String(found.ino))) ?? null;
  };
}

function keyOf(major: number, minor: number, inode: string): string {
  return `${major}:${minor}:${inode}`;
}
