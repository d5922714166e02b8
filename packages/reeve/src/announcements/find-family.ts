import {
  attribute,
  type Carried,
  commandOf,
  identityOf,
  isLiveState,
  readCarried,
  scanStats,
  type Target,
} from '@reeve/host';
import type { Announced } from '../core/announced/announced.ts';

const NOT_NEEDED = { cgroup: false, mark: false };

/**
 * What services that were started manually have started and what is still there of it, by the id of the card: the
 * children of a dead one too. Not the process of the card itself, nor what asks to be left alone. `announced`: all of
 * the home, so that nothing is taken for another's.
 */
export function findFamilies(home: string, announced: readonly Announced[]): ReadonlyMap<string, readonly Target[]> {
  const live = scanStats().filter(isLiveState);
  const read = new Map(live.map(({ pid }) => [pid, readCarried(pid, NOT_NEEDED)]));
  const carried = (pid: number): Carried => read.get(pid) ?? readCarried(pid, NOT_NEEDED);
  const owners = attribute({ home, live, carried }, [], announced);
  const families = new Map<string, Target[]>();
  for (const stat of live) {
    const owner = owners.get(stat.pid);
    const process = identityOf(stat);
    if (!owner?.byHand || owner.isMain || process === null || carried(stat.pid).isDetached) continue;
    const { id } = owner.byHand.card;
    families.set(id, [...(families.get(id) ?? []), { process, command: commandOf(stat), foundBy: owner.foundBy }]);
  }
  return families;
}
