import type {
  Exit,
  InstanceView,
  PortView,
  ProcessIdentity,
  ProjectSpec,
  PsView,
  ServiceSpec,
  ServiceView,
} from '@reeve/contract';
import { instanceId } from '@reeve/host';
import { iso } from '../base/instant.ts';
import { NEW_MACHINE, runOf } from '../core/lifecycle/table.ts';
import type { Machine, State } from '../core/lifecycle/types.ts';
import type { InstanceRow, LeaseRow, ProjectRow, Registry, RunRow, ServiceRow } from '../core/registry.ts';
import { UNCHECKED } from '../core/restart/health.ts';
import { instanceView, serviceView } from '../core/view.ts';
import { NO_DAEMON } from './no-daemon.ts';

/** What of the world is looked at when no daemon can be asked. */
export interface Eyes {
  readonly now: number;
  /** Whether exactly this process is alive. */
  readonly isAlive: (process: ProcessIdentity) => boolean;
  /** Whether a process listens there. */
  readonly isListening: (port: number, protocol: 'tcp' | 'udp') => boolean;
}

/**
 * A project as the last daemon left it in the registry, held against the processes that live now: what it remembers as
 * running and is gone is shown as stopped, with an unobserved exit.
 */
export function rememberedView(
  registry: Registry,
  project: ProjectRow,
  eyes: Eyes,
  daemon: PsView['daemon'] = NO_DAEMON,
): PsView {
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
    const machine = trueMachine((row?.machine as Machine | undefined) ?? NEW_MACHINE, runs, eyes);
    const isAlive = 'process' in machine.state && machine.state.process !== null;
    if (index >= service.spec.instances && !isAlive) continue;
    const own = leases.filter((lease) => lease.index === index);
    views.push(viewOf({ spec: service.spec, index, machine, runs, leases: own, eyes, isAlive }));
  }
  return views;
}

interface Seen {
  readonly spec: ServiceSpec;
  readonly index: number;
  readonly machine: Machine;
  readonly runs: readonly RunRow[];
  readonly leases: readonly LeaseRow[];
  readonly eyes: Eyes;
  readonly isAlive: boolean;
}

function viewOf({ spec, index, machine, runs, leases, eyes, isAlive }: Seen): InstanceView {
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

/** The remembered state, where the world does not contradict it. */
export function trueMachine(machine: Machine, runs: readonly RunRow[], eyes: Eyes): Machine {
  const { state } = machine;
  const run = runs.find((row) => row.run === runOf(state)) ?? null;
  const ended = (exit: Exit | null): Machine => ({ ...machine, state: stoppedAfter(exit, run, eyes) });
  switch (state.name) {
    case 'starting':
    case 'running':
    case 'paused':
      return eyes.isAlive(state.process) ? machine : ended(null);
    case 'stopping':
      return state.process && eyes.isAlive(state.process) ? machine : ended(state.exit);
    case 'spawning': {
      const main = run?.marks.main ?? null;
      const isThere = main !== null && eyes.isAlive(main);
      return isThere
        ? { ...machine, state: { name: 'starting', run: state.run, process: main, since: 0 } }
        : ended(null);
    }
    case 'stopped':
    case 'waiting':
    case 'backoff':
    case 'completed':
    case 'failed':
      return machine;
  }
}

function stoppedAfter(known: Exit | null, run: RunRow | null, eyes: Eyes): State {
  const unseen: Exit = { kind: 'unobserved', code: null, signal: null, at: iso(run?.ended_at ?? eyes.now) };
  return { name: 'stopped', last: known ?? run?.exit ?? unseen };
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
