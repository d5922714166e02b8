import type { RunSigns } from '@reeve/contract';
import { attribute, type Carried, commandOf, identityOf, type Stat } from '@reeve/host';
import type { Announced } from '../core/announced/announced.ts';
import type { Owner, Owners, Stray } from '../core/interfaces.ts';
import type { Snapshot } from './proc-scan.ts';
import { NO_RUN } from './process-marks.ts';

/** {@link attribute}, by what the marks of the processes have told already. */
export function findOwners(
  snapshot: Snapshot,
  home: string,
  runs: readonly RunSigns[],
  announced: readonly Announced[],
): Owners {
  const live = [...snapshot.stats.values()];
  const carried = (pid: number): Carried => carriedBy(snapshot, pid);
  const owners = attribute({ home, live, carried }, runs, announced);
  return {
    of: (pid) => owners.get(pid) ?? null,
    strays: live.flatMap((stat) => strayOf(stat, owners.get(stat.pid), carried(stat.pid)) ?? []),
  };
}

const NOTHING: Carried = {
  home: null,
  run: null,
  project: '',
  service: '',
  instance: 0,
  owner: null,
  isReeve: false,
  isDetached: false,
  cgroup: null,
  mark: null,
};

const REEVE: Carried = { ...NOTHING, isReeve: true };

/** Cgroups and marks are the trackers' of the runs: they have seen to them. */
function carriedBy(snapshot: Snapshot, pid: number): Carried {
  const { cookie, carried } = snapshot.traitsOf(pid);
  if (cookie === NO_RUN || pid === process.pid) return REEVE;
  return carried ?? NOTHING;
}

function strayOf(stat: Stat, owner: Owner | undefined, { isDetached }: Carried): Stray | null {
  if (!owner) return null;
  const isLeftAlone = isDetached && !owner.isMain && !owner.foundBy.includes('cgroup');
  const process = identityOf(stat);
  return process && (isLeftAlone || !owner.isLive) ? { process, command: commandOf(stat), owner } : null;
}
