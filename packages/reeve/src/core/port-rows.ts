import type { PortRow } from '@reeve/contract';
import type { Listener, Owner } from './interfaces.ts';
import type { LeaseRow } from './registry.ts';

export interface PortFacts {
  readonly leases: readonly LeaseRow[];
  readonly listeners: readonly Listener[];
  /** Project folder → name. */
  readonly names: ReadonlyMap<string, string>;
  /** Whose a process is; null: of no service of this home. */
  readonly ownerOf: (pid: number) => Owner | null;
  /** Only this one; null: all. */
  readonly port: number | null;
}

/** `reeve ports`: every lease, and every listener, by port. */
export function portRows(facts: PortFacts): readonly PortRow[] {
  const idle = facts.leases.filter((lease) => !facts.listeners.some((each) => isSamePort(each, lease)));
  const rows = [...idle.map((lease) => leasedRow(facts, lease)), ...facts.listeners.map((l) => listeningRow(facts, l))];
  const unique = new Map(rows.map((row) => [`${row.port}/${row.protocol}/${row.owner?.pid ?? ''}`, row]));
  return [...unique.values()]
    .filter((row) => facts.port === null || row.port === facts.port)
    .sort(
      (a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol) || (a.owner?.pid ?? 0) - (b.owner?.pid ?? 0),
    );
}

function leasedRow({ names }: PortFacts, lease: LeaseRow): PortRow {
  const { port, protocol, folder, service, index: instance, name } = lease;
  const project = names.get(folder) ?? folder;
  return { port, protocol, project, service, instance, name, leased: true, listening: false, owner: null };
}

function listeningRow(facts: PortFacts, listener: Listener): PortRow {
  const { port, protocol, command, user } = listener;
  const pid = listener.process?.pid ?? null;
  const owner = pid === null ? null : facts.ownerOf(pid);
  const lease = facts.leases.find((each) => isSamePort(each, listener)) ?? null;
  const ours = owner?.isLive === true && (lease === null || isOf(owner, lease));
  const view = { pid, command, user, ours, project: owner?.project ?? null, service: owner?.service ?? null };
  if (lease) return { ...leasedRow(facts, lease), listening: true, owner: view };
  const { project = null, service = null, instance = null } = owner ?? {};
  return { port, protocol, project, service, instance, name: null, leased: false, listening: true, owner: view };
}

function isOf(owner: Owner, lease: LeaseRow): boolean {
  return owner.folder === lease.folder && owner.service === lease.service && owner.instance === lease.index;
}

function isSamePort(a: Pick<Listener, 'port' | 'protocol'>, b: Pick<Listener, 'port' | 'protocol'>): boolean {
  return a.port === b.port && a.protocol === b.protocol;
}
