import type { ProcessIdentity } from '@reeve/contract';
import { isSame } from './linux/identity.ts';
import { readProc } from './linux/proc-stat.ts';
import { filesOf, identityOf, scanStats } from './linux/process-table.ts';
import { sendSignal } from './signals.ts';
import { pause } from './timer.ts';

/** How long a former holder has to find out by itself and go. Milliseconds. */
const PATIENCE = 3_000;
const PAUSE = 25;
/** Only these are looked at closely: to read all descriptors of all processes would cost every start some 20 ms. */
const OURS = /reeve|keeper/;

/**
 * Who holds a lock file open that lay at `path` and was removed or replaced since: the kernel says so of the open file.
 * Such a process held the same role as the present holder of `path`, and may not know yet that it has lost it.
 */
export function formerHolders(path: string): readonly ProcessIdentity[] {
  return scanStats().flatMap((stat) => {
    if (stat.pid === process.pid || !OURS.test(readProc(`/proc/${stat.pid}/cmdline`) ?? '')) return [];
    const isFormer = [...(filesOf(stat.pid)?.values() ?? [])].includes(`${path} (deleted)`);
    const identity = isFormer ? identityOf(stat) : null;
    return identity ?? [];
  });
}

/**
 * To be called with the lock held, before anything else is opened. Resolves when no former holder lives any more; one
 * that does not go by itself (stopped, hanging) is killed: woken later it would act for a home that is not its own.
 */
export async function outlastFormerHolders(path: string): Promise<readonly ProcessIdentity[]> {
  const former = formerHolders(path);
  const until = performance.now() + PATIENCE;
  while (former.some(isSame) && performance.now() < until) {
    await pause(PAUSE);
  }
  for (const identity of former) sendSignal(identity, { cookie: null, cgroup: null }, 'SIGKILL', { seen: identity });
  while (former.some(isSame) && performance.now() < until + PATIENCE) {
    await pause(PAUSE);
  }
  return former;
}
