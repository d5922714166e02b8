import { accessSync, constants } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { SpawnRequest } from '@reeve/contract';
import { limitsOf, mayLowerNiceness, mayRaiseLimits } from '@reeve/host';
import { SpawnRefused } from '../refusal.ts';

/** Refusals that can be foreseen have an errno and a clear sentence. */
export function checkRights({ user, cgroup, limits, nice }: SpawnRequest): void {
  if (user !== null && process.getuid?.() !== 0) {
    throw new SpawnRefused('EPERM', `only root can start a process as ${user.name}`);
  }
  checkLimits(limits);
  if (nice !== null) checkNiceness(nice);
  if (cgroup !== null) checkCgroup(cgroup);
}

function checkLimits(limits: SpawnRequest['limits']): void {
  if (Object.keys(limits).length === 0 || mayRaiseLimits()) return;
  for (const [name, { hard }] of limitsOf(process.pid)) {
    const wanted = limits[name];
    if (wanted === undefined || BigInt(wanted) <= hard) continue;
    const most = `the hard limit that reeve was started with is ${hard}, and it may not raise it`;
    throw new SpawnRefused('EPERM', `its limits.${name} is ${wanted}, but ${most} (see reeve daemon status)`);
  }
}

/** `nice` of the limits allows down to 20 - n. Source: getrlimit(2), RLIMIT_NICE. */
function checkNiceness(nice: number): void {
  const own = os.getPriority();
  if (nice >= own || mayLowerNiceness()) return;
  const least = Math.min(own, 20 - Number(limitsOf(process.pid).get('nice')?.soft ?? 0n));
  if (nice >= least) return;
  const most = `this user may not start anything with a niceness below ${least}`;
  throw new SpawnRefused('EACCES', `its nice is ${nice}, but ${most} (see reeve daemon status)`);
}

function checkCgroup(cgroup: string): void {
  try {
    accessSync(path.join(cgroup, 'cgroup.procs'), constants.W_OK);
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    throw new SpawnRefused(code, `the cgroup ${cgroup} cannot be entered (${code})`);
  }
}
