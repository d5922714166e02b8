import { setImmediate } from 'node:timers/promises';
import { pause } from '@reeve/host';
import type { FoundProcess } from '../core/interfaces.ts';
import { killCgroup } from './cgroups.ts';
import { keyOf } from './membership.ts';
import type { RunMembers } from './run-members.ts';
import { waitUntilGone } from './wait-until-gone.ts';

/** How long a kill of the whole cgroup is given before its processes are killed one by one. */
const CGROUP_KILL_TIME = 15;
const FIRST_REST = 10;
const LAST_REST = 100;
const MOST_FREEZE_ROUNDS = 20;
const CALM_GLANCES = 4;
const MOST_GLANCES = 200;
/** All other work waits while we look. */
const GLANCES_A_TURN = 20;

/**
 * SIGKILL to all, until two looks in a row find none and the cgroup is empty, or `end` (`performance.now()`)
 * has passed; resolves with who is left. Source of the algorithm: FAULTS.md, 4.3.
 */
export async function killRun(members: RunMembers, end: number): Promise<readonly FoundProcess[]> {
  const held = new Set<string>();
  let clean = 0;
  for (let rest = FIRST_REST; ; ) {
    const wasQuick = await killAllInCgroup(members);
    const left = await members.look(wasQuick ? 'processes' : 'threads');
    clean = left.length === 0 && members.isCgroupEmpty() && isCalm(members) ? clean + 1 : 0;
    if (clean === 2) return [];
    if (clean > 0) continue;
    members.noteEscape(left);
    await holdAll(members, left, held);
    for (const found of await members.look('threads')) members.send(found.process, 'SIGKILL');
    await killNewborn(members);
    if (performance.now() >= end) return survivors(members);
    await pause(rest);
    rest = Math.min(rest * 1.5, LAST_REST);
  }
}

/** true: no process is left in the cgroup, or there is none. */
async function killAllInCgroup(members: RunMembers): Promise<boolean> {
  const { cgroup } = members.context;
  if (cgroup === null || members.isCgroupEmpty()) return true;
  const inside = (await members.look('processes')).filter((each) => each.found_by.includes('cgroup'));
  if (!killCgroup(cgroup)) return members.isCgroupEmpty();
  for (const { process } of inside) members.record.signalled(process, 'SIGKILL');
  const isEmpty = () => Promise.resolve(members.isCgroupEmpty() ? ('empty' as const) : ('cgroup' as const));
  const target = { file: `${cgroup}/cgroup.events`, isEmpty, onHint: () => () => {} };
  return waitUntilGone(target, AbortSignal.timeout(CGROUP_KILL_TIME));
}

/**
 * Stops all before the first is killed: a parent that is killed first leaves children that no tree shows any
 * more. Until a look finds no new one.
 */
async function holdAll(members: RunMembers, first: readonly FoundProcess[], held: Set<string>): Promise<void> {
  let found = first;
  for (let round = 0; round < MOST_FREEZE_ROUNDS; round++) {
    const fresh = found.filter(({ process }) => !held.has(keyOf(process)));
    if (fresh.length === 0) return;
    for (const { process } of fresh) {
      held.add(keyOf(process));
      members.hold(process);
    }
    found = await members.look('processes');
  }
}

/**
 * Ends what forks faster than a scan: looks only where orphans land, again and again, and kills what is new there.
 * Until no new one has come for some glances.
 */
async function killNewborn(members: RunMembers): Promise<void> {
  for (let calm = 0, glances = 0; calm < CALM_GLANCES && glances < MOST_GLANCES; glances++) {
    const { found, isTrace } = members.glance();
    for (const { process } of found) members.send(process, 'SIGKILL');
    calm = found.length === 0 && !isTrace ? calm + 1 : 0;
    if (glances % GLANCES_A_TURN === GLANCES_A_TURN - 1) await setImmediate();
  }
}

/** Whether a few glances in a row see no new process of the run, and none that has ended unseen. */
export function isCalm(members: RunMembers): boolean {
  if (members.context.cgroup !== null && members.escaped === null) return true;
  if (members.isStirred) return false;
  return Array.from({ length: CALM_GLANCES }, () => members.glance()).every(
    ({ found, isTrace }) => found.length === 0 && !isTrace,
  );
}

async function survivors(members: RunMembers): Promise<readonly FoundProcess[]> {
  const left = await members.look('threads');
  if (left.length > 0 || members.isCgroupEmpty()) return left;
  throw new Error(`${members.context.cgroup} is populated, but none of its processes can be seen from here`);
}
