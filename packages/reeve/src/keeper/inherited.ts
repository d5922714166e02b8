import { closeSync, readdirSync, readFileSync } from 'node:fs';

const FLAGS = /^flags:\s*([0-7]+)$/m;
const O_CLOEXEC = 0o2000000;
const FIRST = 3;

/**
 * Closes the descriptors that our starter left open by mistake (a terminal's, a lock's, a pipe that a program
 * waits on): the keeper would hold them for ever, and hand them on to every service. Ours are all close-on-exec.
 */
export function closeInherited(but: number): void {
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    if (fd >= FIRST && fd !== but && isInherited(fd)) closeSync(fd);
  }
}

function isInherited(fd: number): boolean {
  try {
    const flags = FLAGS.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    return false; // it was the one that listed the folder
  }
}
