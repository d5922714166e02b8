import type { ProbeTarget } from '../../core/interfaces.ts';
import type { Actor, LiveRun } from '../instance-handle.ts';

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
    ports: tcpPortsOf(live),
    user: live.user,
  };
}

/** In the order of the config. */
export function tcpPortsOf({ leases }: LiveRun): readonly number[] {
  return leases.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port);
}

/** A function, because the answer changes while we wait. */
export function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
