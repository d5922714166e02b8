import type { InstanceView, PortView, ProcessIdentity, PsView, ServiceView, UnmanagedView } from '@reeve/contract';
import { startedAt } from '@reeve/host';
import { iso } from '../base/instant.ts';
import type { Listener, Owner } from '../core/interfaces.ts';
import type { ServiceTimes } from '../core/registry.ts';
import { instancePort } from '../core/spec/environment.ts';
import { instanceView, serviceView, unheardView } from '../core/view.ts';
import type { Instance } from './instance.ts';
import type { Picture } from './picture.ts';
import { portsOf } from './ports-of.ts';
import type { ManagedService, Project } from './project.ts';
import type { Supervisor } from './supervisor.ts';

/** A picture of the machine, and what is read for one answer. */
export interface Look extends Picture {
  /** Of a process in the picture, which may have ended since. */
  readonly isThere: (process: ProcessIdentity) => boolean;
  /** `since`: when its service last changed (monotonic). */
  readonly isListening: (port: number, protocol: string, since: number) => boolean;
  readonly idOf: (folder: string, service: string) => string;
  /** When a service was first and last saved; null: it cannot be read now. */
  readonly timesOf: (folder: string, service: string) => ServiceTimes | null;
}

/** What is shown: states as they are now, ports nearly so, processes from the picture. */
export function lookWith(supervisor: Supervisor, picture: Picture): Look {
  const { deps } = supervisor;
  return {
    ...picture,
    isThere: (process) => deps.platform.isAlive(process),
    isListening: (port, protocol, since) => supervisor.pictures.openPorts.has(port, protocol, since),
    idOf: (folder, service) => deps.instanceId(folder, service, 0),
    timesOf: timesIn(supervisor),
  };
}

/** A registry that cannot be read leaves the times out, and nothing else. */
function timesIn({ deps }: Supervisor): Look['timesOf'] {
  const read = new Map<string, ReadonlyMap<string, ServiceTimes>>();
  return (folder, service) => {
    try {
      const times = read.get(folder) ?? deps.registry.services.times(folder);
      read.set(folder, times);
      return times.get(service) ?? null;
    } catch (error) {
      deps.log.warn({ err: error }, 'when services were saved cannot be read');
      return null;
    }
  };
}

export function projectView(project: Project, look: Look, daemon: PsView['daemon']): PsView {
  return {
    project: project.row.name,
    daemon,
    services: [...project.services.values()].map((s) => viewOf(s, look)),
    unmanaged: unmanagedOf(project, look),
    scanned_at: iso(look.at),
  };
}

export function viewOf(service: ManagedService, look: Look): ServiceView {
  const shown = service.instances.filter((i) => i.index < service.row.spec.instances || i.isAlive());
  const { folder, name } = service.row;
  const facts = {
    id: look.idOf(folder, name),
    times: look.timesOf(folder, name),
    spec: service.row.spec,
    intent: service.intent.want,
    managedBy: service.row.managed_by,
    data: service.row.data ?? service.instances[0]?.notified.announced.data ?? null,
  };
  return serviceView(
    facts,
    shown.map((i) => viewOfInstance(i, look)),
  );
}

function viewOfInstance(instance: Instance, look: Look): InstanceView {
  const { live } = instance;
  const { keeperProblem, platform } = instance.host.deps;
  const main = instance.mainProcess();
  const problem = keeperProblem(live?.row.run);
  const view = instanceView(
    {
      index: instance.index,
      machine: instance.machine,
      health: {
        ...instance.health,
        history: instance.health.history.map((each) => ({ ...each, what: instance.masked(each.what) })),
      },
      status: instance.notified.status === null ? null : instance.masked(instance.notified.status),
      lacking: instance.lacking,
      startedAt: live ? iso(live.row.started_at) : null,
      ports: portViews(instance, look),
      memoryBytes: live ? (look.use.get(live.row.run)?.memory ?? null) : null,
      cpuPercent: live ? (look.use.get(live.row.run)?.cpu ?? null) : null,
    },
    instance.previous,
  );
  return problem === null ? view : unheardView(view, main !== null && platform.isAlive(main), problem.message);
}

function portViews(instance: Instance, look: Look): readonly PortView[] {
  const { state } = instance.machine;
  const since = 'since' in state ? state.since : 0;
  return portsOf(instance.host.deps, instance).map(({ spec, port }) => ({
    name: spec.name,
    port,
    protocol: spec.protocol,
    listening: instance.isAlive() && port !== null && look.isListening(port, spec.protocol, since),
  }));
}

/**
 * What was left behind by a service of the project (or asks to be left alone), and what listens on a declared port and
 * is of no service at all: what runs for another service, of whatever project, is managed there.
 */
function unmanagedOf(project: Project, { owners, listeners, isThere }: Look): readonly UnmanagedView[] {
  const strays = owners.strays.filter(({ owner, process }) => isOf(project, owner) && isThere(process));
  const known = new Set(strays.map(({ process }) => process.pid));
  const idle = project.instances().filter((i) => !i.isAlive());
  const squatters = listeners.flatMap((listener): UnmanagedView[] => {
    const { process, port, command } = listener;
    if (process === null || known.has(process.pid) || owners.of(process.pid)?.isLive === true) return [];
    if (!isThere(process)) return [];
    const wanting = idle.find((i) => listensForIt(i, listener));
    if (!wanting) return [];
    const found = { service: wanting.spec.name, found_by: ['port'] as const, confidence: 'low' as const };
    return [{ pid: process.pid, started_at: iso(startedAt(process)), command: command ?? '', ports: [port], ...found }];
  });
  const left = strays.map(({ process, command, owner }) => ({
    pid: process.pid,
    started_at: iso(startedAt(process)),
    command,
    ports: listeners.filter((l) => l.process?.pid === process.pid).map((l) => l.port),
    service: owner.service,
    found_by: owner.foundBy,
    confidence: 'high' as const,
  }));
  return [...left, ...squatters];
}

/** What only carries a cookie names its project, and no folder. */
function isOf({ row }: Project, { project, folder }: Owner): boolean {
  return folder === null ? project === row.name : folder === row.folder;
}

function listensForIt(instance: Instance, listener: Listener): boolean {
  return instance.spec.ports.some(
    (p) => instancePort(p, instance.index) === listener.port && p.protocol === listener.protocol,
  );
}
