import type { Waited, WaitedService } from '@reeve/contract';
import { unmetConditions } from '../core/graph/conditions.ts';
import { endedUnheard, reasonOf, shownState, worst } from '../core/view.ts';
import type { Instance } from './instance.ts';
import type { ManagedService, Project } from './project.ts';
import type { Supervisor } from './supervisor.ts';

export type Until = 'ready' | 'stopped' | 'completed';
type Outcome = WaitedService['outcome'];

/** Codes of a failure that somebody else stands behind: the command then ends with 5. */
const CONFLICTS: ReadonlySet<string> = new Set(['PORT_TAKEN', 'UNFINISHED_STOP']);
const WORST_FIRST: readonly Outcome[] = ['failed', 'conflict', 'blocked', 'pending', 'met'];

export interface WaitRequest {
  readonly project: Project;
  readonly names: readonly string[];
  readonly until: Until;
  /** null: no limit. */
  readonly timeout: number | null;
  readonly signal: AbortSignal;
  /** Called at each change of a named service. */
  readonly onProgress: (service: WaitedService) => void;
}

/**
 * A service that declares nothing to tell readiness by is ready as soon as its process runs. Whoever waits is told so
 * only after it has lived this long (milliseconds): a program that ends at once was never up.
 */
const SETTLE = 150;

/** Ends when every named service has got there, or can no longer, or the limit is over. */
export function waitFor(supervisor: Supervisor, request: WaitRequest): Promise<Waited> {
  return new Promise((resolve) => {
    const told = new Map<string, string>();
    let again: NodeJS.Timeout | undefined;
    const wasUp = new Set(request.names.filter((name) => request.project.service(name).intent.want === 'up'));
    const look = (): readonly WaitedService[] =>
      request.names.map((name) => judgeService(supervisor, request, wasUp, name));
    const finish = (outcome: Waited['outcome'], services: readonly WaitedService[]): void => {
      clearTimeout(timer);
      clearTimeout(again);
      unlisten();
      request.signal.removeEventListener('abort', onAbort);
      resolve({ outcome, services });
    };
    const step = (): void => {
      const services = look();
      for (const service of services) {
        const line = `${service.state} ${service.outcome} ${service.reason ?? ''}`;
        if (told.get(service.name) !== line) request.onProgress(service);
        told.set(service.name, line);
      }
      if (services.some((s) => s.outcome === 'pending')) {
        again ??= setTimeout(() => {
          again = undefined;
          step();
        }, SETTLE / 3);
        return;
      }
      finish(services.every((s) => s.outcome === 'met') ? 'met' : 'failed', services);
    };
    const onAbort = (): void => finish('timeout', look());
    const timer = request.timeout === null ? undefined : setTimeout(() => finish('timeout', look()), request.timeout);
    const unlisten = supervisor.onChange((instance) => {
      if (instance === null || instance.project === request.project) step();
    });
    request.signal.addEventListener('abort', onAbort);
    step();
  });
}

function judgeService(
  supervisor: Supervisor,
  request: WaitRequest,
  wasUp: ReadonlySet<string>,
  name: string,
): WaitedService {
  const service = request.project.service(name);
  const wanted = service.instances.filter((i) => i.index < service.row.spec.instances);
  const now = supervisor.deps.clock.monotonic();
  const outcomes = wanted.map((instance) => {
    const outcome = judge(request, service, instance);
    if (outcome !== 'met' || request.until !== 'ready') return outcome;
    return isTooYoung(instance, now) || hasEndedUnheard(instance) ? 'pending' : outcome;
  });
  const by = opposed(request, service, wasUp.has(name));
  const outcome = by === null ? (worst(WORST_FIRST, outcomes) ?? 'met') : 'failed';
  const shown = wanted[outcomes.indexOf(outcome)] ?? wanted[0];
  const seen = shown ? seenAs(shown) : { state: 'stopped' as const, reason: null };
  return {
    name,
    outcome,
    state: seen.state,
    reason: by ?? seen.reason,
    ms: Math.round(supervisor.deps.clock.monotonic() - service.acceptedAt),
  };
}

/** Who has asked for the opposite of what is waited for; null: nobody has. */
function opposed(request: WaitRequest, { intent, wantedBy, row }: ManagedService, isNews: boolean): string | null {
  if (request.until === 'stopped' || intent.want === 'up' || wantedBy === null) return null;
  return isNews ? `taken over by a newer command: ${wantedBy}` : `${row.spec.name} is to be down: ${wantedBy}`;
}

function judge(request: WaitRequest, service: ManagedService, instance: Instance): Outcome {
  return request.until === 'stopped' ? judgeStopped(instance) : judgeUp(request, service, instance, request.until);
}

function seenAs(instance: Instance): Pick<WaitedService, 'state' | 'reason'> {
  const { state } = instance.machine;
  const problem = instance.host.deps.keeperProblem(instance.live?.row.run);
  if (hasEndedUnheard(instance)) return { state: 'stopping', reason: endedUnheard(problem) };
  const isStarting = state.name === 'spawning' || state.name === 'starting';
  const reason = isStarting && problem !== null ? problem : reasonOf(state, instance.lacking);
  return { state: shownState(state.name), reason };
}

/** It is seen to have ended before its keeper has said so: a keeper that hangs says nothing. */
function hasEndedUnheard(instance: Instance): boolean {
  const { state } = instance.machine;
  return state.name === 'running' && !instance.host.deps.platform.isAlive(state.process);
}

/** Runs, and nothing but its process says that it does. */
function isTooYoung({ machine, spec }: Instance, now: number): boolean {
  const { state } = machine;
  const isUndeclared = spec.ready === null && spec.health === null && !spec.ports.some((p) => p.protocol === 'tcp');
  return isUndeclared && state.name === 'running' && now - state.since < SETTLE;
}

function judgeStopped(instance: Instance): Outcome {
  const { name } = instance.machine.state;
  if (instance.isAlive()) return name === 'failed' ? 'failed' : 'pending';
  return name === 'waiting' || name === 'backoff' ? 'pending' : 'met';
}

function judgeUp(
  request: WaitRequest,
  service: ManagedService,
  instance: Instance,
  until: 'ready' | 'completed',
): Outcome {
  const { state } = instance.machine;
  const isCurrent = instance.machine.generation === service.intent.generation;
  switch (state.name) {
    case 'running':
      return isCurrent && until === 'ready' ? 'met' : 'pending';
    case 'completed':
      return isCurrent ? 'met' : pendingIfWanted(service);
    case 'failed':
      if (state.run !== null) return 'conflict';
      if (!isCurrent && service.intent.want === 'up') return 'pending';
      return CONFLICTS.has(state.failure.code) ? 'conflict' : 'failed';
    case 'stopped':
      return isCurrent || service.intent.want === 'down' ? endedEarly(service, until) : 'pending';
    case 'waiting':
      return isBlocked(request.project, service) ? 'blocked' : 'pending';
    case 'spawning':
    case 'starting':
    case 'paused':
    case 'stopping':
    case 'backoff':
      return 'pending';
  }
}

/** It ended well by itself: fine for `completed`, and not ready for `ready`. */
function endedEarly(service: ManagedService, until: 'ready' | 'completed'): Outcome {
  return until === 'completed' && service.intent.want === 'up' ? 'met' : 'failed';
}
function pendingIfWanted(service: ManagedService): Outcome {
  return service.intent.want === 'up' ? 'pending' : 'failed';
}

function isBlocked(project: Project, service: ManagedService): boolean {
  const world = project.world();
  const seen = world.get(service.row.spec.name);
  return seen !== undefined && unmetConditions(world, seen).some((u) => u.hopeless);
}
