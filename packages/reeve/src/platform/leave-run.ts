import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupOf, readProc } from '@reeve/host';
import { parseCgroupMount } from './cgroups.ts';

/** `…/reeve-<home>/<id>.<run>`, and perhaps below it: the cgroup of a run, of whichever home. */
const OF_A_RUN = /^(.*?)\/reeve-[0-9a-f]{8}\/[0-9a-f]{12}\.[\w.-]+(?:\/|$)/;

/** The cgroup around all runs in which this one lies; null: it lies in no run. */
export function aroundRuns(cgroup: string): string | null {
  const around = OF_A_RUN.exec(cgroup)?.[1];
  return around === undefined ? null : around || '/';
}

/**
 * Moves this process out of the cgroup of a run: a daemon that was started from within a service (of another home) must
 * not end with that service. Returns why it had to stay, or null.
 */
export function leaveRun(): string | null {
  const own = cgroupOf('self');
  const around = own === null ? null : aroundRuns(own);
  const mount = parseCgroupMount(readProc('/proc/self/mountinfo') ?? '');
  if (around === null || mount === null) return null;
  const inside = mount.root === '/' ? around : around.slice(mount.root.length);
  try {
    writeFileSync(join(mount.point, inside, 'cgroup.procs'), String(process.pid));
    return null;
  } catch (error) {
    return `this daemon was started within a service, and stays in its cgroup ${own}: ${(error as Error).message}`;
  }
}
