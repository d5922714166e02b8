import type { ProcessIdentity } from '@reeve/contract';
import { bootId, commandOf, type Stat } from '@reeve/host';
import type { Member, TrackerSwitches } from './membership.ts';
import type { Snapshot } from './proc-scan.ts';

export interface AdoptionWorld {
  readonly trackers: TrackerSwitches;
  /** Some run of this home knows the process. */
  readonly isClaimed: (process: ProcessIdentity) => boolean;
}

/**
 * Whether limit mark and child subreaper leave no gap for one run: every process that detaches itself lands under the keeper
 * that spawned main, and carries the mark unless it has changed its own limits; and under the keeper there is no process
 * that cannot be attributed.
 */
export class AdoptionEvidence {
  /** A process of the run was seen with its mark. A keeper that marks adopts as well: it does both, or neither. */
  isMarkSeen = false;
  readonly #mark: number | null;
  readonly #main: ProcessIdentity | null;
  readonly #world: AdoptionWorld;
  /** Who spawned main, if main was seen under a keeper. */
  #spawner: Pick<Stat, 'pid' | 'start'> | null = null;
  #isSpawnerThere = false;
  #stranger: Stat | null = null;

  constructor(mark: number | null, main: ProcessIdentity | null, world: AdoptionWorld) {
    this.#mark = mark;
    this.#main = main;
    this.#world = world;
  }

  look(snapshot: Snapshot, members: ReadonlyMap<number, Member>): void {
    const { keepers } = snapshot;
    const main = this.#main && members.get(this.#main.pid)?.stat;
    const parent = main && keepers.find(({ pid }) => pid === main.ppid);
    if (parent) this.#spawner = parent;
    this.#isSpawnerThere = keepers.some((keeper) => this.#hasSpawned(keeper));
    this.isMarkSeen ||= [...members.values()].some(({ foundBy }) => foundBy.has('mark'));
    this.#stranger = this.#findStranger(snapshot);
  }

  /** What the two cannot vouch for, in one clause; null: nothing. */
  get gap(): string | null {
    const { trackers } = this.#world;
    if (!trackers.mark || !trackers.subreaper) return 'limit mark or child subreaper is switched off';
    if (this.#mark === null) return 'it was started without a limit mark';
    if (!this.isMarkSeen) return 'no process of it was seen with its limit mark';
    if (!this.#isSpawnerThere) return 'the keeper that started it has died, and with it the place where orphans land';
    const stranger = this.#stranger;
    if (stranger === null) return null;
    return `pid ${stranger.pid} (${commandOf(stranger)}) has detached itself and reset its limits and environment: to which run it belongs is unknown`;
  }

  /** Main may have ended before its parent was seen: only a keeper as old as main can have spawned it. */
  #hasSpawned({ pid, start }: Stat): boolean {
    const spawner = this.#spawner;
    if (spawner !== null) return spawner.pid === pid && spawner.start === start;
    return this.#main !== null && start <= this.#main.start;
  }

  #findStranger(snapshot: Snapshot): Stat | null {
    const since = this.#main?.start ?? 0;
    const unknown = withoutSigns(snapshot).find(
      ({ pid, start }) => start >= since && !this.#world.isClaimed({ boot: bootId(), pid, start }),
    );
    return unknown ?? null;
  }
}

/** Of each snapshot, once for all runs: a keeper has a child or more for each of them. */
const unsigned = new WeakMap<Snapshot, readonly Stat[]>();

/** Children of keepers that carry neither cookie nor mark. */
function withoutSigns(snapshot: Snapshot): readonly Stat[] {
  const known = unsigned.get(snapshot);
  if (known) return known;
  const children = snapshot.keepers.flatMap(({ pid }) => snapshot.children.get(pid) ?? []);
  const found = children.filter(({ pid }) => {
    const { cookie, mark } = snapshot.traitsOf(pid);
    return cookie === null && mark === null;
  });
  unsigned.set(snapshot, found);
  return found;
}
