import type { ProbeTarget } from '../../core/interfaces.ts';
import type { Actor } from '../instance-handle.ts';

/** What readiness and health checks share. */

/** A first line that matched, as a reason. */
export function wrote(line: string): string {
  return `it wrote "${line.slice(0, 120)}"`;
}

export function targetOf(instance: Actor): ProbeTarget {
  const { live, spec, id, host } = instance;
  if (!live) throw new Error(`${instance.selector} has no run to look at`);
  return {
    run: live.row.run,
    logs: spec.logs ? host.deps.logFolder(id) : null,
    cwd: live.resolved.cwd,
    env: live.resolved.env,
    processes: live.processes,
    user: live.user,
  };
}

/** A function, because the answer changes while we wait. */
export function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
