import { type PortSpec, ReeveError } from '@reeve/contract';
import { describeHolder } from '../../core/holder.ts';
import type { Listener } from '../../core/interfaces.ts';
import type { LeaseRow } from '../../core/registry.ts';
import { instancePort } from '../../core/spec/environment.ts';
import type { Dependencies, Lease } from '../dependencies.ts';
import type { Actor } from '../instance-handle.ts';
import { isUnwritable } from '../intents/unwritable.ts';

/**
 * Leases every port of a run and makes sure that nothing is listening on it, before anything is started. A conflict is a
 * PORT_TAKEN that names the holder: whose the listener is in the whole home, or who has the lease.
 */
export async function takePorts(deps: Dependencies, instance: Actor, run: string): Promise<readonly Lease[]> {
  const { ports } = instance.spec;
  if (ports.length === 0) return [];
  const sockets = deps.platform.sockets();
  const mine = new Set<number>();
  try {
    return ports.map((spec) => takeOne(deps, instance, run, spec, sockets, mine));
  } catch (error) {
    if (!(error instanceof HeldPort)) throw error;
    const { port, protocol } = error;
    const listener = (await deps.platform.listeners(port)).find((l) => l.protocol === protocol);
    if (!listener) return takePorts(deps, instance, run); // it has gone meanwhile
    const owners = await instance.host.owners();
    const owner = listener.process && owners.of(listener.process.pid);
    throw new ReeveError('PORT_TAKEN', {
      port: listener.port,
      ...describeHolder(listener, owner, instance.project.row.folder),
    });
  }
}

type Socket = Pick<Listener, 'port' | 'protocol'>;

/** Thrown and caught in this file only: who it is, is looked at once it matters. */
class HeldPort extends Error {
  readonly port: number;
  readonly protocol: Socket['protocol'];
  constructor({ port, protocol }: Socket) {
    super(`port ${port} is held`);
    this.port = port;
    this.protocol = protocol;
  }
}

function takeOne(
  deps: Dependencies,
  instance: Actor,
  run: string,
  spec: PortSpec,
  sockets: readonly Socket[],
  mine: Set<number>,
): Lease {
  const port = instancePort(spec, instance.index);
  const lease =
    port === 'auto'
      ? takeAuto(deps, instance, run, spec, sockets, mine)
      : takeFixed(deps, instance, run, spec, port, sockets);
  mine.add(lease.port);
  return lease;
}

function takeFixed(
  deps: Dependencies,
  instance: Actor,
  run: string,
  spec: PortSpec,
  port: number,
  sockets: readonly Socket[],
): Lease {
  const holder = sockets.find((l) => l.port === port && l.protocol === spec.protocol);
  if (holder) throw new HeldPort(holder);
  const row = leaseRow(deps, instance, run, spec, port, 'fixed');
  const other = lease(instance, row);
  if (other) throw leasedBy(deps, instance, other);
  return row;
}

/** Takes the lease, or returns who has it. Where it cannot be written now it is checked all the same, and written later. */
function lease(instance: Actor, row: LeaseRow): LeaseRow | null {
  const { deps, outbox } = instance.host;
  const { registry } = deps;
  try {
    const result = registry.transaction('usual', () => registry.leases.take(row));
    return result.taken ? null : result.holder;
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    const isSamePort = (l: LeaseRow) => l.port === row.port && l.protocol === row.protocol;
    const other = registry.leases.all().find((l) => isSamePort(l) && !isOf(instance, l));
    if (!other) outbox.row(`lease of ${row.protocol} ${row.port}`, () => registry.leases.take(row));
    return other ?? null;
  }
}

/** Its port of the last time, if it is free; `mine` are those that this start has taken already. */
function takeAuto(
  deps: Dependencies,
  instance: Actor,
  run: string,
  spec: PortSpec,
  sockets: readonly Socket[],
  mine: ReadonlySet<number>,
): Lease {
  const all = deps.registry.leases.all();
  const isOwn = (l: LeaseRow): boolean =>
    isOf(instance, l) && l.name === spec.name && l.kind === 'auto' && !mine.has(l.port);
  const busy = sockets.filter((l) => l.protocol === spec.protocol).map((l) => l.port);
  const own = all.find((l) => isOwn(l) && !busy.includes(l.port));
  const taken = new Set([...busy, ...mine, ...all.map((l) => l.port)]);
  const { folder } = instance.project.row;
  const wish = { folder, service: instance.spec.name, index: instance.index, name: spec.name, taken };
  const row = leaseRow(deps, instance, run, spec, own?.port ?? deps.chooseAutoPort(wish), 'auto');
  const other = lease(instance, row);
  if (other) throw leasedBy(deps, instance, other);
  return row;
}

function leaseRow(
  deps: Dependencies,
  instance: Actor,
  run: string,
  spec: PortSpec,
  port: number,
  kind: LeaseRow['kind'],
): LeaseRow {
  return {
    port,
    protocol: spec.protocol,
    folder: instance.project.row.folder,
    service: instance.spec.name,
    index: instance.index,
    name: spec.name,
    kind,
    run,
    at: deps.clock.now(),
  };
}

function isOf(instance: Actor, lease: LeaseRow): boolean {
  return (
    lease.folder === instance.project.row.folder &&
    lease.service === instance.spec.name &&
    lease.index === instance.index
  );
}

/** Another service has leased it, and does not listen yet. */
function leasedBy(deps: Dependencies, instance: Actor, { port, folder, service }: LeaseRow): ReeveError {
  const project = deps.registry.projects.all().find((row) => row.folder === folder)?.name ?? folder;
  const isOwn = folder === instance.project.row.folder;
  return new ReeveError('PORT_TAKEN', {
    port,
    holder: `${service} of ${project} (leased)`,
    free: isOwn ? `reeve stop ${service}` : `reeve --project ${project} stop ${service}`,
  });
}
