import type { RunSigns } from '@reeve/contract';
import type { RunRow } from './registry.ts';

/** By what the registry knows a run; who its trackers have seen is known to the daemon alone. */
export function runSigns({ run, folder, service, index, marks }: RunRow, project: string): RunSigns {
  const { main, mark, witness } = marks;
  return { run, folder, project, service, index, main, cgroup: witness.cgroup, mark, members: new Map() };
}
