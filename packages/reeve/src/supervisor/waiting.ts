import type { Waited, WaitedService } from '@reeve/contract';
import { after, type Timer } from '@reeve/host';
import { describeExit, isWell } from '../core/restart/restart.ts';
import { endedUnheard, reasonOf, shownState, worst } from '../core/view.ts';
import type { Instance } from './instance.ts';
import type { ManagedService, Project } from './project.ts';
import type { Supervisor } from './supervisor.ts';

export type Until = 'ready' | 'stopped' | 'completed';
type Outcome = WaitedService['outcome'];

/** Codes of a failure that another program causes: the command then ends with 5. */
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
 * A service that declares nothing to tell readiness by is ready as soon as its process runs. A client that waits hears that
 * only after it has lived this long (milliseconds): a program that ends at once was never up.
 */
const SETTLE = 150;

/** How often what is pending is looked at although nothing tells of a change. Milliseconds. */
const UNHEARD = 1_000;

const REMOVED = 'it was removed from the project';

/** Ends when every named service has got there, or can no longer, or the limit is over. */
export function waitFor(supervisor: Supervisor, request: WaitRequest): Promise<Waited> {
  return new Promise((resolve, reject) => new Wait(supervisor, request, { resolve, reject }).begin());
}

interface Client {
  readonly resolve: (waited: Waited) => void;
  readonly reject: (error: unknown) => void;
}

/** One client that waits. A service is judged when it has changed, or has come of age; between changes nothing is done. */
class Wait {
  readonly #supervisor: Supervisor;
  readonly #request: WaitRequest;
  readonly #client: Client;
  readonly #judged = new Map<string, WaitedService>();
  readonly #pending = new Set<string>();
  readonly #due = new Set<string>();
  /** Those that were wanted up when the client began to wait. */
  readonly #wasUp: ReadonlySet<string>;
  /** Too young to be called ready, and until when (monotonic). */
  readonly #young = new Map<string, number>();
  #comingOfAge: Timer | null = null;
  #limit: Timer | null = null;
  #unheard: Timer | null = null;
  #isOver = false;
  #unlisten = (): void => undefined;

  constructor(supervisor: Supervisor, request: WaitRequest, client: Client) {
    this.#supervisor = supervisor;
    this.#request = request;
    this.#client = client;
    const { names, project } = request;
    this.#wasUp = new Set(names.filter((name) => project.service(name).intent.want === 'up'));
  }

  begin(): void {
    const { names, project, signal, timeout } = this.#request;
    const named = new Set(names);
    this.#unlisten = this.#supervisor.onChange((instance) => {
      if (instance === null) this.#look(names);
      else if (instance.project === project && named.has(instance.spec.name)) this.#look([instance.spec.name]);
    });
    if (timeout !== null) this.#limit = after(timeout, this.#giveUp);
    signal.addEventListener('abort', this.#giveUp);
    this.#look(names);
    this.#listen();
  }

  /** A keeper that hangs says nothing, so no change tells of it: what is pending is looked at now and then. */
  #listen(): void {
    this.#unheard = after(UNHEARD, () => {
      this.#look([...this.#pending]);
      this.#listen();
    });
  }

  /** Once a turn, and after the loop has decided: until then a service may seem to wait in vain. */
  #look(names: readonly string[]): void {
    if (this.#due.size === 0) queueMicrotask(() => this.#orFail(() => this.#judgeDue()));
    for (const name of names) this.#due.add(name);
  }

  /** The client hears why it cannot be judged, instead of waiting for ever. */
  #orFail(step: () => void): void {
    if (this.#isOver) return;
    try {
      step();
    } catch (error) {
      this.#end();
      this.#client.reject(error);
    }
  }

  #judgeDue(): void {
    const due = [...this.#due];
    this.#due.clear();
    for (const name of due) this.#judge(name);
    if (this.#pending.size > 0) {
      this.#awaitAge();
      return;
    }
    const services = this.#services();
    this.#finish(services.every((s) => s.outcome === 'met') ? 'met' : 'failed');
  }

  #judge(name: string): void {
    const now = this.#supervisor.deps.clock.monotonic();
    const { service, age } = judgeService(this.#supervisor, this.#request, this.#wasUp.has(name), name, now);
    const before = this.#judged.get(name);
    this.#judged.set(name, service);
    if (service.outcome === 'pending') this.#pending.add(name);
    else this.#pending.delete(name);
    if (age > 0) this.#young.set(name, now + age);
    else this.#young.delete(name);
    const isNews =
      service.state !== before?.state || service.outcome !== before.outcome || service.reason !== before.reason;
    if (isNews) this.#request.onProgress(service);
  }

  /** One timer for all that are too young, for the first of them. */
  #awaitAge(): void {
    if (this.#comingOfAge || this.#young.size === 0) return;
    const { clock } = this.#supervisor.deps;
    this.#comingOfAge = after(Math.max(1, Math.min(...this.#young.values()) - clock.monotonic()), () => {
      this.#comingOfAge = null;
      const now = clock.monotonic();
      const grown = [...this.#young].flatMap(([name, until]) => (until <= now + 1 ? [name] : []));
      if (grown.length > 0) this.#look(grown);
      else this.#awaitAge();
    });
  }

  /** A look that was due is had now: what is reported is what is true. */
  readonly #giveUp = (): void => {
    this.#orFail(() => {
      for (const name of this.#due) this.#judge(name);
      this.#finish('timeout');
    });
  };

  #services(): readonly WaitedService[] {
    return this.#request.names.map((name) => this.#judged.get(name)).filter((each) => each !== undefined);
  }

  #finish(outcome: Waited['outcome']): void {
    this.#end();
    this.#client.resolve({ outcome, services: this.#services() });
  }

  #end(): void {
    this.#isOver = true;
    this.#limit?.cancel();
    this.#comingOfAge?.cancel();
    this.#unheard?.cancel();
    this.#unlisten();
    this.#request.signal.removeEventListener('abort', this.#giveUp);
  }
}

/** `age`: how long it is too young yet; 0: it is not. */
function judgeService(
  supervisor: Supervisor,
  request: WaitRequest,
  wasUp: boolean,
  name: string,
  now: number,
): { readonly service: WaitedService; readonly age: number } {
  const { project } = request;
  const service = supervisor.projects.get(project.row.folder) === project ? project.services.get(name) : undefined;
  if (!service) return { service: { name, outcome: 'failed', state: 'stopped', reason: REMOVED, ms: 0 }, age: 0 };
  const wanted = service.instances.filter((i) => i.index < service.row.spec.instances);
  const ages = wanted.map((instance) => (request.until === 'ready' ? ageLeft(instance, now) : 0));
  const outcomes = wanted.map((instance, i) => {
    const outcome = judge(request, service, instance);
    if (outcome === 'pending' && cannotBeStarted(instance)) return 'failed';
    if (outcome !== 'met') return outcome;
    return (ages[i] ?? 0) > 0 || (request.until === 'ready' && hasEndedUnheard(instance)) ? 'pending' : outcome;
  });
  const worstOutcome = worst(WORST_FIRST, outcomes) ?? 'met';
  // A start that an unfinished stop refuses leaves the intent down: the survivors are the answer, not who wanted it so.
  const by = worstOutcome === 'conflict' ? null : opposed(request, service, wasUp);
  const outcome = by === null ? worstOutcome : 'failed';
  const shown = wanted[outcomes.indexOf(outcome)] ?? wanted[0];
  const seen = shown ? seenAs(shown) : { state: 'stopped' as const, reason: null };
  const reason = by ?? seen.reason ?? (outcome === 'failed' && shown ? endedByItself(shown) : null);
  return {
    service: { name, outcome, state: seen.state, reason, ms: Math.round(now - service.acceptedAt) },
    age: Math.max(0, ...ages),
  };
}

/** Who has asked for the opposite of what is waited for; null: no command has. */
function opposed(request: WaitRequest, { intent, wantedBy, row }: ManagedService, isNews: boolean): string | null {
  if (request.until === 'stopped' || intent.want === 'up' || wantedBy === null) return null;
  return isNews ? `taken over by a newer command: ${wantedBy}` : `${row.spec.name} is to be down: ${wantedBy}`;
}

/** Ended well, unasked, where something that stays was waited for: the two usual causes are named. */
function endedByItself({ machine: { state } }: Instance): string | null {
  if (state.name !== 'stopped' || state.last === null || !isWell(state.last)) return null;
  return `${describeExit(state.last)}, and was to stay up: \`oneshot: true\` if it is meant to end; if it reads its standard input, that is empty`;
}

function judge(request: WaitRequest, service: ManagedService, instance: Instance): Outcome {
  return request.until === 'stopped' ? judgeStopped(instance) : judgeUp(service, instance, request.until);
}

function seenAs(instance: Instance): Pick<WaitedService, 'state' | 'reason'> {
  const { state } = instance.machine;
  const problem = instance.host.deps.keeperProblem(instance.live?.row.run);
  if (hasEndedUnheard(instance)) return { state: 'stopping', reason: endedUnheard(problem?.message ?? null) };
  const needsKeeper = ['spawning', 'starting', 'stopping'].includes(state.name);
  const reason = (needsKeeper ? problem?.message : null) ?? reasonOf(state, instance.lacking);
  return { state: shownState(state.name), reason };
}

/** No keeper runs, and none can be started: a command does not wait for that to change. It is started once there is one. */
function cannotBeStarted({ machine, host, live }: Instance): boolean {
  return machine.state.name === 'spawning' && host.deps.keeperProblem(live?.row.run)?.code === 'no_keeper';
}

/** It is seen to have ended before its keeper has said so: a keeper that hangs says nothing. */
function hasEndedUnheard(instance: Instance): boolean {
  const { state } = instance.machine;
  return state.name === 'running' && !instance.host.deps.platform.isAlive(state.process);
}

/** It runs, and nothing but its process says that it is ready: how long it has to live on until that counts. */
function ageLeft({ machine, spec }: Instance, now: number): number {
  const { state } = machine;
  const isUndeclared = spec.ready === null && spec.health === null && !spec.ports.some((p) => p.protocol === 'tcp');
  return isUndeclared && state.name === 'running' ? Math.max(0, SETTLE - (now - state.since)) : 0;
}

function judgeStopped(instance: Instance): Outcome {
  const { name } = instance.machine.state;
  if (instance.isAlive()) return name === 'failed' ? 'failed' : 'pending';
  return name === 'waiting' || name === 'backoff' ? 'pending' : 'met';
}

function judgeUp(service: ManagedService, instance: Instance, until: 'ready' | 'completed'): Outcome {
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
      return state.hopeless ? 'blocked' : 'pending';
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
