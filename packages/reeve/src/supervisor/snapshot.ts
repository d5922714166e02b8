import type { InstanceView, PortView, PsView, ServiceView, UnmanagedView } from '@reeve/contract';
import { iso } from '../base/instant.ts';
import type { FoundProcess, Listener } from '../core/interfaces.ts';
import { instancePort } from '../core/spec/environment.ts';
import { instanceView, serviceView } from '../core/view.ts';
import type { Instance } from './instance.ts';
import { portsOf } from './ports-of.ts';
import type { ManagedService, Project } from './project.ts';
import type { Supervisor } from './supervisor.ts';

/** What one look at the system has found, for all projects. */
export interface Look {
  readonly at: number;
  readonly listeners: readonly Listener[];
  readonly memory: ReadonlyMap<string, number>;
  readonly strangers: readonly (FoundProcess & {
    readonly project: string | null;
    readonly service: string | null;
    readonly run: string;
    readonly isDetached: boolean;
  })[];
}

/** One scan of the process table and of the sockets, shared by everything that is shown. */
export async function lookAround(supervisor: Supervisor): Promise<Look> {
  const { platform, home, clock } = supervisor.deps;
  const live = [...supervisor.projects.values()].flatMap((p) => p.instances()).flatMap((i) => (i.live ? [i.live] : []));
  const [listeners, strangers, scans] = await Promise.all([
    platform.listeners(),
    platform.findByCookie(home),
    Promise.all(
      live.map(async (l) => [l.row.run, (await l.processes.scan()).reduce((sum, p) => sum + p.memory, 0)] as const),
    ),
  ]);
  return { at: clock.now(), listeners, memory: new Map(scans), strangers };
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
  const facts = {
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
  return instanceView(
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
      memoryBytes: live ? (look.memory.get(live.row.run) ?? null) : null,
    },
    instance.previous,
  );
}

function portViews(instance: Instance, look: Look): readonly PortView[] {
  return portsOf(instance.host.deps, instance).map(({ spec, port }) => ({
    name: spec.name,
    port,
    protocol: spec.protocol,
    listening: instance.isAlive() && look.listeners.some((l) => l.port === port && l.protocol === spec.protocol),
  }));
}

/** What carries the project's cookie and belongs to no run (or says that it does not), or listens on a declared port and is not ours. */
function unmanagedOf(project: Project, look: Look): readonly UnmanagedView[] {
  const instances = project.instances();
  const liveRuns = new Set(instances.flatMap((i) => (i.live ? [i.live.row.run] : [])));
  const byCookie = look.strangers.filter(
    (s) => s.project === project.row.name && (s.isDetached || !liveRuns.has(s.run)),
  );
  const known = new Set(byCookie.map((s) => s.process.pid));
  const idle = instances.filter((i) => !i.isAlive());
  const squatters = look.listeners.filter(
    (l) => l.process !== null && !known.has(l.process.pid) && idle.some((i) => listensForIt(i, l)),
  );
  return [
    ...byCookie.map((s) => ({
      pid: s.process.pid,
      started_at: null,
      command: s.command,
      ports: look.listeners.filter((l) => l.process?.pid === s.process.pid).map((l) => l.port),
      service: s.service,
      found_by: s.found_by,
      confidence: 'high' as const,
    })),
    ...squatters.map((l) => ({
      pid: l.process?.pid ?? 0,
      started_at: null,
      command: l.command ?? '',
      ports: [l.port],
      service: idle.find((i) => listensForIt(i, l))?.spec.name ?? null,
      found_by: ['port' as const],
      confidence: 'low' as const,
    })),
  ];
}

function listensForIt(instance: Instance, listener: Listener): boolean {
  return instance.spec.ports.some(
    (p) => instancePort(p, instance.index) === listener.port && p.protocol === listener.protocol,
  );
}
