import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupOf, readProc } from '@reeve/host';
import { parseCgroupMount } from './cgroups.ts';
import { aroundLeaf, LEAF } from './unit-leaf.ts';

/**
 * Under a unit with Delegate=yes the whole tree below the unit's cgroup is ours, but a cgroup with processes of its own
 * cannot hand controllers to those below it (cgroups(7), "no internal processes"). So the daemon and its keepers live in
 * a leaf, `daemon`, and the runs beside it. Returns why this one had to stay where it is, or null.
 */
export function enterUnitLeaf(): string | null {
  const own = cgroupOf('self');
  const mount = parseCgroupMount(readProc('/proc/self/mountinfo') ?? '');
  if (own === null || mount === null || aroundLeaf(own) !== own) return null;
  const inside = mount.root === '/' ? own : own.slice(mount.root.length);
  const leaf = join(mount.point, inside, LEAF);
  try {
    mkdirSync(leaf, { recursive: true });
    writeFileSync(join(leaf, 'cgroup.procs'), String(process.pid));
    return null;
  } catch (error) {
    return `the daemon stays in the cgroup of its unit: ${(error as Error).message}`;
  }
}
