import type { PortRow } from '@reeve/contract';
import { listListeners, portHolders } from '@reeve/host';
import { portRows } from '../core/port-rows.ts';
import type { Context } from './context.ts';
import { lookAtHome } from './home-look.ts';
import { withMemory } from './memory.ts';

/** `reeve ports` without a daemon: the remembered leases beside the listeners of now. */
export async function offlinePorts(context: Context, port: number | null): Promise<readonly PortRow[]> {
  const look = await lookAtHome(context);
  const leases = (await withMemory(context, (registry) => registry.leases.all())) ?? [];
  const owners = new Map(look.processes.map(({ row, owner }) => [row.pid, owner]));
  return portRows({
    leases,
    listeners: port === null ? listListeners() : portHolders(port),
    names: new Map(look.projects.map(({ folder, name }) => [folder, name])),
    ownerOf: (pid) => owners.get(pid) ?? null,
    port,
  });
}
