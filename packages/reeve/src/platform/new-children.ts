import type { TrackerName } from '@reeve/contract';
import { childrenOf, isLiveState, markOf, parseEnviron, readProc, readStat, type Stat } from '@reeve/host';
import type { Memory, Signs, TrackerSwitches } from './membership.ts';
import type { Snapshot } from './proc-scan.ts';
import { saysDetached } from './process-marks.ts';

/** A process that no scan has seen, and what says that it is of the run. */
export interface Newborn {
  readonly stat: Stat;
  readonly foundBy: readonly TrackerName[];
}
export interface Glance {
  readonly live: readonly Newborn[];
  /** One of the run has just ended here unseen: others may be about. */
  readonly isTrace: boolean;
}

/**
 * Looks at those children of a reaper (a keeper, init) that the last scan has not seen, the newest first. A program
 * that forks and ends every half millisecond is never there any more when a scan of all processes comes to it; this
 * takes a tenth of that time.
 */
export function glanceAt(
  reapers: ReadonlySet<number>,
  snapshot: Snapshot,
  tell: (pid: number) => Newborn | null,
): Glance {
  const live: Newborn[] = [];
  let isTrace = false;
  for (const reaper of reapers) {
    for (const pid of [...(childrenOf(reaper) ?? [])].reverse()) {
      if (snapshot.stats.has(pid)) continue;
      const newborn = tell(pid);
      if (newborn === null) continue;
      if (isLiveState(newborn.stat)) live.push(newborn);
      else isTrace = true;
    }
  }
  return { live, isTrace };
}

/** Whether a process is of the run, by the trackers that need no scan: the mark first, since it is the one that stays. */
export function tellNewborn(
  pid: number,
  { run, mark }: Pick<Signs, 'run' | 'mark'>,
  memory: Pick<Memory, 'sessions' | 'groups'>,
  on: TrackerSwitches,
): Newborn | null {
  const own = on.mark ? markOf(pid) : null;
  if (own !== null && own !== mark) return null;
  const stat = readStat(pid);
  if (stat === null) return null;
  const environ = parseEnviron(readProc(`/proc/${pid}/environ`) ?? '');
  if (saysDetached(environ)) return null;
  if (own !== null) return { stat, foundBy: on.subreaper ? ['mark', 'subreaper'] : ['mark'] };
  const cookie = on.cookie ? environ.get('REEVE_RUN') : undefined;
  if (cookie !== undefined) return cookie === run ? { stat, foundBy: ['cookie'] } : null;
  if (!on.session) return null;
  if (isLedBy(memory.sessions, stat.session, stat)) return { stat, foundBy: ['session'] };
  return isLedBy(memory.groups, stat.pgrp, stat) ? { stat, foundBy: ['group'] } : null;
}

/** As long as a member of it lives, the number of a session or group is not reused. */
function isLedBy(leaders: ReadonlyMap<number, number>, id: number, stat: Stat): boolean {
  const start = leaders.get(id);
  if (start === undefined || stat.start < start) return false;
  const holder = readStat(id);
  return holder === null || holder.start === start;
}
