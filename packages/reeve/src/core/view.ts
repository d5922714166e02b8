import type {
  EventView,
  Exit,
  HealthAnswerView,
  HealthName,
  InstanceView,
  Intent,
  PortView,
  ServiceSpec,
  ServiceView,
  ShownState,
  StateName,
} from '@reeve/contract';
import { iso } from '../base/instant.ts';
import type { Machine, State } from './lifecycle/types.ts';
import type { ServiceTimes, StoredEvent } from './registry.ts';
import type { Answer, Health } from './restart/health.ts';
import { describeExit } from './restart/restart.ts';
import { quoteWords } from './spec/command-line.ts';

/** What is shown of an instance, beside its machine: facts of the moment, null where it was not looked up. */
export interface Observed {
  readonly index: number;
  readonly machine: Machine;
  readonly health: Health;
  /** What the run says of itself. */
  readonly status: string | null;
  /** The last readiness answer, while it starts. */
  readonly lacking: string | null;
  readonly startedAt: string | null;
  readonly ports: readonly PortView[];
  readonly memoryBytes: number | null;
  /** Of one processor; null: it is not measured without a daemon. */
  readonly cpuPercent: number | null;
}

/** An event as `events`, `why` and the API show it. */
export function eventView({
  at,
  seq,
  project,
  service,
  instance,
  run,
  event,
  message,
  data,
  cause,
}: StoredEvent): EventView {
  return { at: iso(at), seq, project, service, instance, run, event, message, data, cause };
}

export function shownState(state: StateName): ShownState {
  if (state === 'paused') return 'waiting';
  return state === 'spawning' ? 'starting' : state;
}

/** From bad to good: a service is shown in the worst of its instances' states. */
export const WORST_FIRST: readonly ShownState[] = [
  'failed',
  'backoff',
  'stopping',
  'waiting',
  'starting',
  'stopped',
  'running',
  'completed',
];
const HEALTH_WORST_FIRST: readonly HealthName[] = ['unhealthy', 'unknown', 'healthy'];

export function worst<T>(order: readonly T[], found: readonly T[]): T | null {
  return order.find((item) => found.includes(item)) ?? null;
}

export function reasonOf(state: State, lacking: string | null): string | null {
  switch (state.name) {
    case 'waiting':
      return state.why;
    case 'backoff':
      return state.why;
    case 'failed':
      return state.failure.message;
    case 'starting':
      return lacking;
    case 'paused':
      return `paused: ${state.why}`;
    case 'stopping':
      return 'why' in state.cause ? state.cause.why : null;
    case 'stopped':
      return state.why ?? (state.last?.cause === 'unobserved' ? describeExit(state.last) : null);
    case 'spawning':
    case 'running':
    case 'completed':
      return null;
  }
}

/** Of the present run it is null: that one has not ended. */
function lastExit(state: State): Exit | null {
  if ('last' in state) return state.last;
  return state.name === 'stopping' ? state.exit : null;
}

export function instanceView(seen: Observed, previous: Exit | null): InstanceView {
  const { state } = seen.machine;
  const isUp = state.name === 'running' || state.name === 'starting';
  return {
    index: seen.index,
    pid: 'process' in state && state.process ? state.process.pid : null,
    started_at: 'process' in state ? seen.startedAt : null,
    state: shownState(state.name),
    reason: reasonOf(state, seen.lacking),
    status: isUp ? seen.status : null,
    health: isUp ? seen.health.name : 'unknown',
    health_history: isUp ? seen.health.history.map(answerView) : [],
    ports: seen.ports,
    restarts: seen.machine.ledger.restarts,
    cpu_percent: seen.cpuPercent,
    memory_bytes: seen.memoryBytes,
    exit: lastExit(state) ?? previous,
    run: 'run' in state ? state.run : null,
  };
}

/** A run whose end is not known yet: `problem` says why. */
export function unheardView(view: InstanceView, isMainAlive: boolean, problem: string): InstanceView {
  if (view.pid !== null && !isMainAlive && (view.state === 'running' || view.state === 'starting'))
    return { ...view, pid: null, state: 'stopping', reason: endedUnheard(problem), health: 'unknown' };
  return view.state === 'starting' || view.state === 'stopping' ? { ...view, reason: problem } : view;
}
export function endedUnheard(problem: string | null): string {
  return `its main process has exited, status not known yet${problem === null ? '' : `: ${problem}`}`;
}

function answerView({ at, ok, what, ms }: Answer): HealthAnswerView {
  return { at: iso(at), ok, what, ms: ms === null ? null : Math.round(ms * 10) / 10 };
}

export interface ServiceFacts {
  readonly id: string;
  readonly times: ServiceTimes | null;
  readonly spec: ServiceSpec;
  readonly intent: Intent;
  readonly managedBy: ServiceView['managed_by'];
  readonly data: unknown;
}

function commandText({ text, how }: ServiceSpec['command']): string {
  return how.kind === 'argv' ? quoteWords(how.argv) : text;
}

/** A service as `ps`, the API and the dashboard show it: one way to see it, for every client. */
export function serviceView(facts: ServiceFacts, instances: readonly InstanceView[]): ServiceView {
  const first = instances[0];
  const state =
    worst(
      WORST_FIRST,
      instances.map((i) => i.state),
    ) ?? 'stopped';
  const shown = instances.find((i) => i.state === state);
  const cpu = instances.map((i) => i.cpu_percent).filter((c) => c !== null);
  const memory = instances.map((i) => i.memory_bytes).filter((m) => m !== null);
  return {
    id: facts.id,
    name: facts.spec.name,
    title: null,
    description: facts.spec.description,
    command: commandText(facts.spec.command),
    cwd: facts.spec.cwd,
    created_at: facts.times && iso(facts.times.created_at),
    updated_at: facts.times && iso(facts.times.updated_at),
    state,
    reason: shown?.reason ?? null,
    status: shown?.status ?? null,
    intent: facts.intent,
    health:
      worst(
        HEALTH_WORST_FIRST,
        instances.map((i) => i.health),
      ) ?? 'unknown',
    ready: state === 'running' || state === 'completed',
    pid: first?.pid ?? null,
    started_at: first?.started_at ?? null,
    exit: first?.exit ?? null,
    restarts: instances.reduce((sum, i) => sum + i.restarts, 0),
    ports: instances.flatMap((i) => i.ports),
    data: facts.data,
    groups: facts.spec.groups,
    is_system: facts.spec.is_system,
    managed_by: facts.managedBy,
    cpu_percent: cpu.length > 0 ? Math.round(10 * cpu.reduce((a, b) => a + b, 0)) / 10 : null,
    memory_bytes: memory.length > 0 ? memory.reduce((a, b) => a + b, 0) : null,
    instances,
  };
}
