import { readFileSync } from 'node:fs';

/** Whether the kernel has ended a process in this cgroup for memory; false without a memory controller (cgroup v2). */
export function hasOomKill(cgroup: string): boolean {
  try {
    return oomKills(readFileSync(`${cgroup}/memory.events`, 'utf8')) > 0;
  } catch {
    return false;
  }
}

/** `oom_kill` of a `memory.events`: how many processes were ended. */
export function oomKills(events: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0);
}
