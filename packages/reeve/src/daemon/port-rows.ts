import type { PortRow } from '@reeve/contract';
import type { Listener } from '../core/interfaces.ts';
import type { LeaseRow } from '../core/registry.ts';

export interface PortFacts {
  readonly leases: readonly LeaseRow[];
  readonly listeners: readonly Listener[];
  /** Project folder → name. */
  readonly names: ReadonlyMap<string, string>;
  /** Which live run a process belongs to. */
  readonly runOfPid: ReadonlyMap<number, string>;
  /** Only this one; null: all. */
  readonly port: number | null;
}

/** `reeve ports`: every lease with whoever listens on it, then every foreign listener, by port. */
export function portRows(facts: PortFacts): readonly PortRow[] {
  const leased = facts.leases.map((lease) => leasedRow(facts, lease));
  const foreign = facts.listeners
    .filter((l) => !facts.leases.some((lease) => lease.port === l.port && lease.protocol === l.protocol))
    .map((l) => foreignRow(facts, l));
  const rows = [...leased, ...foreign].filter((row) => facts.port === null || row.port === facts.port);
  const unique = new Map(rows.map((row) => [`${row.port}/${row.protocol}/${row.owner?.pid ?? ''}`, row]));
  return [...unique.values()].sort((a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol));
}

function leasedRow(facts: PortFacts, lease: LeaseRow): PortRow {
  const listener = facts.listeners.find((l) => l.port === lease.port && l.protocol === lease.protocol);
  return {
    port: lease.port,
    protocol: lease.protocol,
    project: facts.names.get(lease.folder) ?? lease.folder,
    service: lease.service,
    instance: lease.index,
    name: lease.name,
    leased: true,
    listening: listener !== undefined,
    owner: listener ? ownerOf(facts, listener, lease.run) : null,
  };
}

function foreignRow(facts: PortFacts, listener: Listener): PortRow {
  return {
    port: listener.port,
    protocol: listener.protocol,
    project: null,
    service: null,
    instance: null,
    name: null,
    leased: false,
    listening: true,
    owner: ownerOf(facts, listener, null),
  };
}

function ownerOf(facts: PortFacts, listener: Listener, run: string | null): PortRow['owner'] {
  const pid = listener.process?.pid ?? null;
  const ours = pid !== null && run !== null && facts.runOfPid.get(pid) === run;
  return { pid, command: listener.command, user: listener.user, ours };
}
