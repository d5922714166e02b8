import type { PortRow } from '@reeve/contract';
import { portRows } from '../core/port-rows.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

/** `reeve ports`: one look at the leases, the listeners and whose they are. `port` null: all. */
export async function allPorts(supervisor: Supervisor, port: number | null): Promise<readonly PortRow[]> {
  const { registry, platform } = supervisor.deps;
  const names = new Map([...supervisor.projects.values()].map((p) => [p.row.folder, p.row.name]));
  const [listeners, owners] = await Promise.all([platform.listeners(port ?? undefined), supervisor.owners()]);
  return portRows({ leases: registry.leases.all(), listeners, names, ownerOf: owners.of, port });
}
