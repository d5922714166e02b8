import type { CardSigns, ProcessOwner, RunSigns, TrackerName } from '@reeve/contract';
import type { Carried } from './carried.ts';
import { kinOf } from './linux/kin.ts';
import type { Stat } from './linux/proc-stat.ts';
import { isWithin } from './signals.ts';

/** All live processes of one moment, and what each of them carries. */
export interface OwnerSnapshot {
  /** Only cookies of this home count. */
  readonly home: string;
  readonly live: readonly Stat[];
  carried(pid: number): Carried;
}

/**
 * Whose each process is; one that is not in it belongs to no service of this home. The strongest sign decides: the run
 * it belongs to, the card that names it, the cookie or mark it carries; what carries nothing belongs to what it
 * descends from. Every view that names a process asks this, of the whole home.
 */
export function attribute<C extends CardSigns>(
  snapshot: OwnerSnapshot,
  runs: readonly RunSigns[],
  cards: readonly C[],
): ReadonlyMap<number, ProcessOwner<C>> {
  const owners = new Map<number, ProcessOwner<C>>();
  const runsOf = indexRuns(runs, snapshot.home);
  for (const stat of snapshot.live) {
    const carried = snapshot.carried(stat.pid);
    if (carried.isReeve) continue;
    const owner =
      byRun<C>(snapshot, stat, runsOf(stat, carried)) ??
      byCard(stat, cards) ??
      byCookie<C>(snapshot, stat) ??
      byOwnerMark(stat, carried, cards);
    if (owner) owners.set(stat.pid, owner);
  }
  addGroups(snapshot, cards, owners);
  addKin(snapshot, owners);
  return owners;
}

/** The runs that have a sign of a process, in their order; a cgroup cannot be a key, since those below it count too. */
function indexRuns(runs: readonly RunSigns[], home: string): (stat: Stat, carried: Carried) => readonly RunSigns[] {
  const byPid = new Map<number, RunSigns[]>();
  const byMark = new Map<number, RunSigns[]>();
  const byCookie = new Map<string, RunSigns[]>();
  for (const run of runs) {
    for (const pid of new Set([...run.members.keys(), ...(run.main ? [run.main.pid] : [])])) add(byPid, pid, run);
    if (run.mark !== null) add(byMark, run.mark, run);
    add(byCookie, run.run, run);
  }
  return ({ pid }, { mark, cgroup, home: its, run }) => {
    if (cgroup !== null) return runs;
    const found = new Set(byPid.get(pid));
    for (const each of mark === null ? [] : (byMark.get(mark) ?? [])) found.add(each);
    for (const each of run === null || its !== home ? [] : (byCookie.get(run) ?? [])) found.add(each);
    return found.size < 2 ? [...found] : runs.filter((each) => found.has(each));
  };
}

function add<K>(index: Map<K, RunSigns[]>, key: K, run: RunSigns): void {
  const known = index.get(key);
  if (known) known.push(run);
  else index.set(key, [run]);
}

/** By the strongest sign; all that agree are named. */
function byRun<C extends CardSigns>(
  { home, carried }: OwnerSnapshot,
  { pid, start }: Stat,
  runs: readonly RunSigns[],
): ProcessOwner<C> | null {
  const what = carried(pid);
  for (const run of runs) {
    const isMain = run.main?.pid === pid && run.main.start === start;
    const foundBy = new Set<TrackerName>(run.members.get(pid));
    if (isMain) foundBy.add('main');
    if (run.cgroup !== null && isWithin(what.cgroup, run.cgroup)) foundBy.add('cgroup');
    if (what.mark !== null && run.mark === what.mark) foundBy.add('mark');
    if (what.home === home && what.run === run.run) foundBy.add('cookie');
    if (foundBy.size === 0) continue;
    const { project, folder, service, index: instance } = run;
    const found = [...foundBy];
    return { project, folder, service, instance, run: run.run, isMain, isLive: true, byHand: null, foundBy: found };
  }
  return null;
}

/** A pid alone proves nothing. */
function byCard<C extends CardSigns>({ pid, start }: Stat, cards: readonly C[]): ProcessOwner<C> | null {
  const card = cards.find(
    ({ card: { process }, ...signs }) => isSure(signs) && process?.pid === pid && process.start === start,
  );
  return card ? ofCard(card, { isMain: true, isLive: true, foundBy: 'main' }) : null;
}

function isSure({ liveness, identity }: Pick<CardSigns, 'liveness' | 'identity'>): boolean {
  return liveness === 'live' && identity === 'verified';
}

/** Left behind by a run that is over, or that the registry does not know. */
function byCookie<C extends CardSigns>({ home, carried }: OwnerSnapshot, { pid }: Stat): ProcessOwner<C> | null {
  const what = carried(pid);
  if (what.run === null || what.home !== home) return null;
  const { project, service, instance, run } = what;
  return {
    project,
    folder: null,
    service,
    instance,
    run,
    isMain: false,
    isLive: false,
    byHand: null,
    foundBy: ['cookie'],
  };
}

/** What a service that was started manually has started. Older than the present process of the card: of one before. */
function byOwnerMark<C extends CardSigns>(
  { start }: Stat,
  { owner }: Carried,
  cards: readonly C[],
): ProcessOwner<C> | null {
  const card = owner === null ? undefined : cards.find((each) => each.card.id === owner);
  if (!card) return null;
  const isLive = isSure(card) && start >= (card.card.process?.start ?? Number.POSITIVE_INFINITY);
  return ofCard(card, { isMain: false, isLive, foundBy: 'cookie' });
}

interface How {
  readonly isMain: boolean;
  readonly isLive: boolean;
  readonly foundBy: TrackerName;
}

function ofCard<C extends CardSigns>(byHand: C, { isMain, isLive, foundBy }: How): ProcessOwner<C> {
  const { project, folder, service, instance, id } = byHand.card;
  return { project, folder, service, instance, run: id, isMain, isLive, byHand, foundBy: [foundBy] };
}

/**
 * Who is in the session or process group that the dead process of a card led: the kernel gives that number to no other
 * process as long as one of them lives.
 */
function addGroups<C extends CardSigns>(
  { live, carried }: OwnerSnapshot,
  cards: readonly C[],
  owners: Map<number, ProcessOwner<C>>,
): void {
  const pids = new Set(live.map(({ pid }) => pid));
  for (const card of cards) {
    const main = card.card.process;
    if (main === null || card.card.run !== null || card.liveness === 'live' || pids.has(main.pid)) continue;
    for (const { pid, pgrp, session, start } of live) {
      const foundBy = session === main.pid ? 'session' : pgrp === main.pid ? 'group' : null;
      const isSpared = owners.has(pid) || carried(pid).isReeve || carried(pid).run !== null;
      if (foundBy === null || start < main.start || isSpared) continue;
      owners.set(pid, ofCard(card, { isMain: false, isLive: false, foundBy }));
    }
  }
}

/** Descendants and sessions: who lost every sign, and still hangs below one who has it. */
function addKin<C extends CardSigns>({ live, carried }: OwnerSnapshot, owners: Map<number, ProcessOwner<C>>): void {
  const spare = ({ pid }: Stat): boolean => owners.has(pid) || carried(pid).isReeve || carried(pid).run !== null;
  const families = new Map<string, Stat[]>();
  for (const stat of live) {
    const owner = owners.get(stat.pid);
    if (!owner) continue;
    const key = `${owner.run} ${owner.isLive}`;
    const family = families.get(key);
    if (family) family.push(stat);
    else families.set(key, [stat]);
  }
  for (const members of families.values()) {
    const like = owners.get(members[0]?.pid ?? 0);
    if (!like) continue;
    for (const { stat, by } of kinOf(members, live, spare)) {
      owners.set(stat.pid, { ...like, isMain: false, foundBy: [by] });
    }
  }
}
