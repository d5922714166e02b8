import type { PortRow } from '@reeve/contract';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { portRows } from './port-rows.ts';

/** `reeve ports`: one look at the leases, the listeners and who is of which run. `port` null: all. */
export async function allPorts(supervisor: Supervisor, port: number | null): Promise<readonly PortRow[]> {
  const { registry, platform } = supervisor.deps;
  const names = new Map([...supervisor.projects.values()].map((p) => [p.row.folder, p.row.name]));
  const live = [...supervisor.projects.values()].flatMap((p) => p.instances()).flatMap((i) => (i.live ? [i.live] : []));
  const [listeners, scans] = await Promise.all([
    platform.listeners(),
    Promise.all(live.map((l) => l.processes.scan())),
  ]);
  const runOfPid = new Map(live.flatMap((l, i) => (scans[i] ?? []).map((p) => [p.process.pid, l.row.run] as const)));
  return portRows({ leases: registry.leases.all(), listeners, names, runOfPid, port });
}
