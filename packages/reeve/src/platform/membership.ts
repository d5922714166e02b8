import type { ProcessIdentity, TrackerName } from '@reeve/contract';
import type { Stat } from '@reeve/host';
import type { RunMarks } from '../core/interfaces.ts';
import { isDetached } from './detached.ts';
import type { Snapshot } from './proc-scan.ts';
import { NO_RUN } from './process-marks.ts';

/** Which trackers are asked: all of them, but for tests and for diagnosis. `session` includes process groups. */
export interface TrackerSwitches {
  readonly cgroup: boolean;
  readonly subreaper: boolean;
  readonly mark: boolean;
  readonly cookie: boolean;
  readonly session: boolean;
  readonly tree: boolean;
  readonly port: boolean;
  readonly stream: boolean;
}
export const ALL_TRACKERS: TrackerSwitches = {
  cgroup: true,
  subreaper: true,
  mark: true,
  cookie: true,
  session: true,
  tree: true,
  port: true,
  stream: true,
};

/** What was learnt by earlier looks. */
export interface Memory {
  /** Once seen stays known: by pid, with the start tick that makes it this process. */
  readonly known: ReadonlyMap<number, { readonly start: number; readonly foundBy: ReadonlySet<TrackerName> }>;
  /** Sessions and groups whose leader was seen alive as a member: number → start tick of that leader. */
  readonly sessions: ReadonlyMap<number, number>;
  readonly groups: ReadonlyMap<number, number>;
  /** Processes that have certainly ended ({@link keyOf}): one with the same pid and start tick is another. */
  readonly over: ReadonlySet<string>;
  /** Who is known by pid and start tick alone ({@link keyOf}): until something shows them again they prove nothing. */
  readonly unproven: ReadonlySet<string>;
}

/** What says who belongs to a run. */
export interface Signs extends Pick<RunMarks, 'run' | 'main' | 'mark'> {
  /** What the kernel counts into the run's cgroup. */
  readonly cgroup: readonly Stat[];
  /** Who holds a listening socket that a member was seen to hold. */
  readonly port: readonly Stat[];
}
export interface Member {
  readonly stat: Stat;
  readonly foundBy: ReadonlySet<TrackerName>;
  /** Something shows it now; otherwise it only has the pid and start tick of one that was known. */
  readonly isShown: boolean;
}
type Found = Member & { readonly foundBy: Set<TrackerName>; isShown: boolean };
type Finding = readonly [Stat, TrackerName];

/** Who belongs to the run, and how that is known. Outside its cgroup, a process that says that it is detached does not. */
export function findMembers(
  snapshot: Snapshot,
  signs: Signs,
  memory: Memory,
  on: TrackerSwitches,
): Map<number, Member> {
  const found = new Map<number, Found>();
  const queue: Stat[] = [];
  const inside = new Set(signs.cgroup.map(({ pid }) => pid));
  const isMain = ({ pid, start }: Stat) => pid === signs.main?.pid && start === signs.main.start;
  const add = (stat: Stat, by: TrackerName, isShown: boolean) => {
    const entry = found.get(stat.pid);
    if (entry) {
      entry.foundBy.add(by);
      if (isShown && !entry.isShown) queue.push(stat);
      entry.isShown ||= isShown;
      return;
    }
    if (!inside.has(stat.pid) && !isMain(stat) && isDetached(snapshot, stat)) return;
    found.set(stat.pid, { stat, foundBy: new Set([by]), isShown });
    queue.push(stat);
  };
  for (const [stat, by] of remembered(snapshot, signs, memory)) add(stat, by, false);
  for (const [stat, by] of shown(snapshot, signs, memory, on)) add(stat, by, true);
  for (let stat = queue.pop(); stat !== undefined; stat = queue.pop()) {
    if (found.get(stat.pid)?.isShown !== true && memory.unproven.has(keyOf(stat))) continue;
    for (const [relative, by] of relatives(snapshot, stat, on)) add(relative, by, true);
  }
  if (on.subreaper) noteAdopted(snapshot, signs, found);
  return found;
}

/** By pid and start tick alone. */
function remembered(snapshot: Snapshot, { main }: Signs, memory: Memory): readonly Finding[] {
  const found: Finding[] = [];
  const mainStat = main && !memory.over.has(keyOf(main)) ? snapshot.stats.get(main.pid) : undefined;
  if (mainStat && mainStat.start === main?.start) found.push([mainStat, 'main']);
  for (const [pid, { start, foundBy }] of memory.known) {
    const stat = snapshot.stats.get(pid);
    if (stat?.start === start) for (const by of foundBy) found.push([stat, by]);
  }
  return found;
}

/** By what they carry, where they are and what they hold. */
function shown(snapshot: Snapshot, signs: Signs, memory: Memory, on: TrackerSwitches): readonly Finding[] {
  const { run, mark, main } = signs;
  const found: Finding[] = [];
  const all = (stats: readonly Stat[] | undefined, by: TrackerName) => {
    for (const stat of stats ?? []) found.push([stat, by]);
  };
  const first = main && !memory.over.has(keyOf(main)) ? snapshot.stats.get(main.pid) : undefined;
  const isSpawned = first !== undefined && snapshot.keepers.some(({ pid }) => pid === first.ppid);
  if (first && isSpawned && first.start === main?.start) found.push([first, 'main']);
  all(signs.cgroup, 'cgroup');
  if (on.mark && mark !== null) all(snapshot.marks.get(mark), 'mark');
  if (on.cookie) all(snapshot.cookies.get(run), 'cookie');
  if (on.session) {
    found.push(...leftBy(snapshot, signs, memory, 'session'));
    found.push(...leftBy(snapshot, signs, memory, 'group'));
  }
  if (on.stream) all(snapshot.streams.get(run), 'stream');
  if (on.port) all(signs.port, 'port');
  return found;
}

/**
 * What a leader left behind when it ended. The kernel gives its number to no other while the session (group) has
 * members; a process that has the number now and is not the leader shows that the session ended, and the number is
 * another's. A member with another run's cookie or mark is that run's.
 */
function leftBy(snapshot: Snapshot, signs: Signs, memory: Memory, by: 'session' | 'group'): readonly Finding[] {
  const [leaders, members] = by === 'session' ? [memory.sessions, snapshot.sessions] : [memory.groups, snapshot.groups];
  return [...leaders].flatMap(([id, start]) => {
    const holder = snapshot.stats.get(id);
    if (holder && (holder.start !== start || memory.over.has(keyOf(holder)))) return [];
    return (members.get(id) ?? [])
      .filter(({ pid }) => pid !== id)
      .filter((stat) => stat.start >= start && isNotAnothers(snapshot, stat.pid, signs))
      .map((stat): Finding => [stat, by]);
  });
}

/** Whether nothing that a process carries says that it is of another run. */
export function isNotAnothers(snapshot: Snapshot, pid: number, { run, mark }: Pick<Signs, 'run' | 'mark'>): boolean {
  const traits = snapshot.traitsOf(pid);
  return (traits.cookie ?? run) === run && (traits.mark ?? mark) === mark;
}

/**
 * Those that a member brings in: a child is never older than its parent, a member never older than its leader. A daemon
 * that a service has started (`reeve up` for another home) is not its child: it serves others, and outlives it.
 */
function relatives(snapshot: Snapshot, stat: Stat, on: TrackerSwitches): readonly Finding[] {
  const younger = (stats: readonly Stat[] | undefined, by: TrackerName): readonly Finding[] =>
    (stats ?? [])
      .filter((each) => each.start >= stat.start && each.pid !== stat.pid)
      .filter((each) => snapshot.traitsOf(each.pid).cookie !== NO_RUN)
      .map((each) => [each, by]);
  return [
    ...(on.tree ? younger(snapshot.children.get(stat.pid), 'tree') : []),
    ...(on.session && stat.session === stat.pid ? younger(snapshot.sessions.get(stat.pid), 'session') : []),
    ...(on.session && stat.pgrp === stat.pid ? younger(snapshot.groups.get(stat.pid), 'group') : []),
  ];
}

/** A member that is the keeper's child and not the one that it spawned was adopted: it had detached itself. */
function noteAdopted(snapshot: Snapshot, { main }: Signs, found: ReadonlyMap<number, Found>): void {
  const keepers = new Set(snapshot.keepers.map(({ pid }) => pid));
  for (const { stat, foundBy } of found.values()) {
    const isMain = stat.pid === main?.pid && stat.start === main.start;
    if (!isMain && keepers.has(stat.ppid)) foundBy.add('subreaper');
  }
}

/** The key of a process that a reused pid does not share. */
export function keyOf({ pid, start }: Pick<ProcessIdentity, 'pid' | 'start'>): string {
  return `${pid}:${start}`;
}
