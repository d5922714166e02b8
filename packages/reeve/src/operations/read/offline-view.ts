import type {
  InstanceView,
  PortView,
  ProcessIdentity,
  ProjectSpec,
  PsView,
  ServiceSpec,
  ServiceView,
} from '@reeve/contract';
import { instanceId } from '@reeve/host';
import { iso } from '../../base/instant.ts';
import { recoverFromOtherBoot, type Seen, settled } from '../../core/lifecycle/resume.ts';
import { NEW_MACHINE, runOf } from '../../core/lifecycle/table.ts';
import type { Machine, State } from '../../core/lifecycle/types.ts';
import type { InstanceRow, LeaseRow, ProjectRow, Registry, RunRow, ServiceRow } from '../../core/registry.ts';
import { UNCHECKED } from '../../core/restart/health.ts';
import { instanceView, serviceView } from '../../core/view.ts';

/** What of the world is looked at when no daemon can be asked. */
export interface Eyes {
  readonly now: number;
  /** Of the machine, now. */
  readonly boot: string;
  /** Whether exactly this process is alive. */
  readonly isAlive: (process: ProcessIdentity) => boolean;
  /** Whether a process listens there. */
  readonly isListening: (port: number, protocol: 'tcp' | 'udp') => boolean;
}

/**
 * A project as the last daemon left it in the registry, held against the processes that live now: what it remembers as
 * running and is gone is shown as stopped, with an unobserved exit.
 */
export function rememberedView(registry: Registry, project: ProjectRow, eyes: Eyes, daemon: PsView['daemon']): PsView {
  const intents = new Map(registry.intents.of(project.folder).map((row) => [row.service, row.want]));
  const rows = registry.instances.of(project.folder);
  const times = registry.services.times(project.folder);
  const leases = registry.leases.all().filter((lease) => lease.folder === project.folder);
  const services = registry.services.of(project.folder).map((service): ServiceView => {
    const own = leases.filter((lease) => lease.service === service.name);
    const instances = instancesOf(registry, service, rows, own, eyes);
    const { spec, managed_by: managedBy, data } = service;
    const facts = { id: instanceId(project.folder, service.name, 0), times: times.get(service.name) ?? null };
    return serviceView({ ...facts, spec, intent: intents.get(service.name) ?? 'down', managedBy, data }, instances);
  });
  return { project: project.name, daemon, services, unmanaged: [], scanned_at: null };
}

function instancesOf(
  registry: Registry,
  service: ServiceRow,
  rows: readonly InstanceRow[],
  leases: readonly LeaseRow[],
  eyes: Eyes,
): readonly InstanceView[] {
  const remembered = new Map(rows.filter((row) => row.service === service.name).map((row) => [row.index, row]));
  const views: InstanceView[] = [];
  const last = Math.max(service.spec.instances - 1, ...remembered.keys());
  for (let index = 0; index <= last; index++) {
    const row = remembered.get(index);
    const runs = registry.runs.of(service.folder, service.name, index, 2);
    const machine = trueMachine(
      (row?.machine as Machine | undefined) ?? NEW_MACHINE,
      runs,
      eyes,
      registry.facts.get('boot'),
    );
    const isAlive = 'process' in machine.state && machine.state.process !== null;
    if (index >= service.spec.instances && !isAlive) continue;
    const own = leases.filter((lease) => lease.index === index);
    views.push(viewOf({ spec: service.spec, index, machine, runs, leases: own, eyes, isAlive }));
  }
  return views;
}

interface Shown {
  readonly spec: ServiceSpec;
  readonly index: number;
  readonly machine: Machine;
  readonly runs: readonly RunRow[];
  readonly leases: readonly LeaseRow[];
  readonly eyes: Eyes;
  readonly isAlive: boolean;
}

function viewOf({ spec, index, machine, runs, leases, eyes, isAlive }: Shown): InstanceView {
  const run = runs.find((row) => row.run === runOf(machine.state));
  const ports = portViews(spec, index, leases, (port, protocol) => isAlive && eyes.isListening(port, protocol));
  const startedAt = isAlive && run ? iso(run.started_at) : null;
  const previous = runs.find((row) => row.exit !== null)?.exit ?? null;
  const view = instanceView(
    {
      index,
      machine,
      health: UNCHECKED,
      status: null,
      lacking: null,
      startedAt,
      ports,
      memoryBytes: null,
      cpuPercent: null,
    },
    previous,
  );
  return view.state === 'waiting' || view.state === 'backoff'
    ? { ...view, reason: `${view.reason ?? view.state}; nothing is tried while the daemon is down` }
    : view;
}

/**
 * Where an instance is before any daemon continues with it: what the next one would recover, held against the processes
 * that live now. `boot`: of the daemon that left it; null: not known.
 */
export function trueMachine(machine: Machine, runs: readonly RunRow[], eyes: Eyes, boot: string | null): Machine {
  const run = runs.find((row) => row.run === runOf(machine.state)) ?? null;
  const at = iso(run?.ended_at ?? eyes.now);
  if (boot !== null && boot !== eyes.boot) return recoverFromOtherBoot(machine, at);
  return settled(machine, look(machine.state, run, at, eyes));
}

function look(state: State, run: RunRow | null, at: string, { isAlive }: Eyes): Seen {
  const process = ('process' in state ? state.process : null) ?? run?.marks.main ?? null;
  if (process === null && state.name === 'spawning') return { kind: 'absent' };
  if (process !== null && isAlive(process)) return { kind: 'alive', process };
  const known = state.name === 'stopping' ? state.exit : null;
  return { kind: 'ended', process, exit: known ?? run?.exit ?? { kind: 'unobserved', code: null, signal: null, at } };
}

function portViews(
  spec: ServiceSpec,
  index: number,
  leases: readonly LeaseRow[],
  isListening: Eyes['isListening'],
): readonly PortView[] {
  return spec.ports.map(({ name, port: declared, protocol, shared }) => {
    const lease = leases.find((row) => row.name === name && row.protocol === protocol);
    const port = declared === 'auto' ? (lease?.port ?? null) : declared + (shared ? 0 : index);
    return { name, port, protocol, listening: port !== null && isListening(port, protocol) };
  });
}

/** A config that has never been applied: all of it is stopped. */
export function declaredView(project: ProjectSpec, daemon: PsView['daemon']): PsView {
  const services = project.services.map((spec) => {
    const instances = Array.from({ length: spec.instances }, (_, index) =>
      instanceView(
        {
          index,
          machine: NEW_MACHINE,
          health: UNCHECKED,
          status: null,
          lacking: null,
          startedAt: null,
          ports: portViews(spec, index, [], () => false),
          memoryBytes: null,
          cpuPercent: null,
        },
        null,
      ),
    );
    const id = instanceId(project.folder, spec.name, 0);
    return serviceView({ id, times: null, spec, intent: 'down', managedBy: 'config', data: null }, instances);
  });
  return { project: project.name, daemon, services, unmanaged: [], scanned_at: null };
}
