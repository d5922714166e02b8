import type { ProcessIdentity, TrackerName } from '@reeve/contract';
import type { Stat } from '@reeve/host';
import type { RunMarks } from '../core/ports.ts';
import { NO_RUN, type Snapshot } from './proc-scan.ts';

/** Which trackers are asked: all of them, but in the tests that switch one off. `session` includes process groups. */
export interface TrackerSwitches {
  readonly cgroup: boolean;
  readonly cookie: boolean;
  readonly session: boolean;
  readonly tree: boolean;
}
export const ALL_TRACKERS: TrackerSwitches = { cgroup: true, cookie: true, session: true, tree: true };

/** What was learnt by earlier looks. */
export interface Memory {
  /** Once seen stays known: by pid, with the start tick that makes it this process. */
  readonly known: ReadonlyMap<number, { readonly start: number; readonly foundBy: ReadonlySet<TrackerName> }>;
  /** Sessions and groups whose leader was seen alive as a member: number → start tick of that leader. */
  readonly sessions: ReadonlyMap<number, number>;
  readonly groups: ReadonlyMap<number, number>;
}

/** Who belongs to the run, and how that is known. `cgroup`: what the kernel counts into the run's cgroup. */
export function findMembers(
  snapshot: Snapshot,
  marks: Pick<RunMarks, 'run' | 'main'>,
  cgroup: readonly Stat[],
  memory: Memory,
  on: TrackerSwitches,
): ReadonlyMap<number, { readonly stat: Stat; readonly foundBy: ReadonlySet<TrackerName> }> {
  const found = new Map<number, { stat: Stat; foundBy: Set<TrackerName> }>();
  const queue: Stat[] = [];
  const add = (stat: Stat, by: TrackerName) => {
    const entry = found.get(stat.pid);
    if (entry) entry.foundBy.add(by);
    else {
      found.set(stat.pid, { stat, foundBy: new Set([by]) });
      queue.push(stat);
    }
  };
  for (const [stat, by] of seeds(snapshot, marks, cgroup, memory, on)) add(stat, by);
  for (let stat = queue.pop(); stat !== undefined; stat = queue.pop()) {
    for (const [relative, by] of relatives(snapshot, stat, on)) add(relative, by);
  }
  return found;
}

type Finding = readonly [Stat, TrackerName];

function seeds(
  snapshot: Snapshot,
  { run, main }: Pick<RunMarks, 'run' | 'main'>,
  cgroup: readonly Stat[],
  memory: Memory,
  on: TrackerSwitches,
): readonly Finding[] {
  const found: Finding[] = cgroup.map((stat) => [stat, 'cgroup']);
  const mainStat = main === null ? undefined : snapshot.stats.get(main.pid);
  if (mainStat && mainStat.start === main?.start) found.push([mainStat, 'main']);
  if (on.cookie) for (const stat of snapshot.cookies.get(run) ?? []) found.push([stat, 'cookie']);
  for (const [pid, { start, foundBy }] of memory.known) {
    const stat = snapshot.stats.get(pid);
    if (stat?.start === start) for (const by of foundBy) found.push([stat, by]);
  }
  if (on.session) {
    found.push(...leftBy(snapshot, run, memory.sessions, snapshot.sessions, 'session'));
    found.push(...leftBy(snapshot, run, memory.groups, snapshot.groups, 'group'));
  }
  return found;
}

/**
 * What a leader left behind when it ended. The kernel gives its number to nobody while the session (group) has
 * members; a process that has the number now and is not the leader shows that the session ended, and the number is
 * another's. A member with another run's cookie is that run's.
 */
function leftBy(
  snapshot: Snapshot,
  run: string,
  leaders: ReadonlyMap<number, number>,
  members: ReadonlyMap<number, readonly Stat[]>,
  by: 'session' | 'group',
): readonly Finding[] {
  return [...leaders].flatMap(([id, start]) => {
    const holder = snapshot.stats.get(id);
    if (holder && holder.start !== start) return [];
    return (members.get(id) ?? [])
      .filter((stat) => stat.start >= start && (snapshot.cookieOf(stat.pid) ?? run) === run)
      .map((stat): Finding => [stat, by]);
  });
}

/**
 * Those that a member brings in: a child is never older than its parent, a member never older than its leader. A daemon
 * that a service has started (`reeve up` for another home) is not its child: it serves others, and outlives it.
 */
function relatives(snapshot: Snapshot, stat: Stat, on: TrackerSwitches): readonly Finding[] {
  const younger = (stats: readonly Stat[] | undefined, by: TrackerName): readonly Finding[] =>
    (stats ?? [])
      .filter((each) => each.start >= stat.start && each.pid !== stat.pid)
      .filter((each) => snapshot.cookieOf(each.pid) !== NO_RUN)
      .map((each) => [each, by]);
  return [
    ...(on.tree ? younger(snapshot.children.get(stat.pid), 'tree') : []),
    ...(on.session && stat.session === stat.pid ? younger(snapshot.sessions.get(stat.pid), 'session') : []),
    ...(on.session && stat.pgrp === stat.pid ? younger(snapshot.groups.get(stat.pid), 'group') : []),
  ];
}

/** The key of a process that a reused pid does not share. */
export function keyOf({ pid, start }: Pick<ProcessIdentity, 'pid' | 'start'>): string {
  return `${pid}:${start}`;
}
