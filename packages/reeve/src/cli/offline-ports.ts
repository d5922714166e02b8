import type { PortRow } from '@reeve/contract';
import type { SocketOwner } from '@reeve/host';
import type { LeaseRow } from '../core/registry.ts';
import type { Context } from './context.ts';
import { lookAround } from './look-around.ts';
import { withMemory } from './memory.ts';

/** `reeve ports` without a daemon: the remembered leases beside whoever listens now. */
export async function offlinePorts(context: Context, port: number | null): Promise<readonly PortRow[]> {
  const listeners = lookAround().listeners();
  const remembered = await withMemory(context, (registry) => ({
    leases: registry.leases.all(),
    names: new Map(registry.projects.all().map((row) => [row.folder, row.name])),
    mains: new Map(registry.runs.open().map((row) => [row.run, row.marks.main?.pid ?? null])),
  }));
  const { leases, names, mains } = remembered ?? { leases: [], names: new Map(), mains: new Map() };
  const leased = leases.map((lease) => leasedRow(lease, listeners, names, mains));
  const foreign = listeners
    .filter((l) => !leases.some((lease) => lease.port === l.port && lease.protocol === l.protocol))
    .map(foreignRow);
  const rows = [...leased, ...foreign].filter((row) => port === null || row.port === port);
  const unique = new Map(rows.map((row) => [`${row.port}/${row.protocol}/${row.owner?.pid ?? ''}`, row]));
  return [...unique.values()].sort((a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol));
}

function leasedRow(
  lease: LeaseRow,
  listeners: readonly SocketOwner[],
  names: ReadonlyMap<string, string>,
  mains: ReadonlyMap<string, number | null>,
): PortRow {
  const listener = listeners.find((l) => l.port === lease.port && l.protocol === lease.protocol);
  const main = lease.run === null ? null : (mains.get(lease.run) ?? null);
  const { port, protocol, service, index: instance, name } = lease;
  return {
    port,
    protocol,
    project: names.get(lease.folder) ?? lease.folder,
    service,
    instance,
    name,
    leased: true,
    listening: listener !== undefined,
    owner: listener ? ownerOf(listener, main) : null,
  };
}

function foreignRow(listener: SocketOwner): PortRow {
  const { port, protocol } = listener;
  const nobody = { project: null, service: null, instance: null, name: null };
  return { port, protocol, ...nobody, leased: false, listening: true, owner: ownerOf(listener, null) };
}

/** Without a daemon only the main process of a run is known to be ours; a child that listens is named, not claimed. */
function ownerOf({ process, command, user }: SocketOwner, main: number | null): PortRow['owner'] {
  const pid = process?.pid ?? null;
  return { pid, command, user, ours: pid !== null && pid === main };
}
