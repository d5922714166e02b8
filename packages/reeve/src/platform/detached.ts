import type { Stat } from '@reeve/host';
import type { RunMarks } from '../core/interfaces.ts';
import type { Snapshot } from './proc-scan.ts';
import { NO_RUN } from './process-marks.ts';

/** Whether it, or one whom it descends from, has said so. Who is in the cgroup of a run is the run's all the same. */
export function isDetached(snapshot: Snapshot, stat: Stat): boolean {
  const seen = new Set<number>();
  for (let each: Stat | undefined = stat; each && !seen.has(each.pid); each = snapshot.stats.get(each.ppid)) {
    const traits = snapshot.traitsOf(each.pid);
    if (traits.cookie === NO_RUN) return false;
    if (traits.isDetached) return true;
    seen.add(each.pid);
  }
  return false;
}

/** Who carries the signs of the run and is left alone. */
export function leftAlone(
  snapshot: Snapshot,
  { run, mark }: Pick<RunMarks, 'run' | 'mark'>,
  members: ReadonlyMap<number, unknown>,
): readonly Stat[] {
  const carriers = [...(snapshot.cookies.get(run) ?? []), ...(mark === null ? [] : (snapshot.marks.get(mark) ?? []))];
  return carriers.filter((stat) => !members.has(stat.pid) && isDetached(snapshot, stat));
}
