import type { Condition, DependencySpec } from '@reeve/contract';
import { mayBeAlive } from '../lifecycle/table.ts';
import { describeExit } from '../restart/restart.ts';
import { reverse } from './graph.ts';
import { edgesOf, type World, type WorldInstance, type WorldService } from './world.ts';

/**
 * The predicates that decide, and that `why` speaks from: there is no second opinion.
 */

/** A condition that is not met. `hopeless`: it will not be met without a person's doing. */
export interface Unmet {
  readonly dependency: string;
  readonly condition: Condition;
  readonly why: string;
  readonly hopeless: boolean;
  /** The service at the end of the chain: the one that does not itself wait for another. */
  readonly root: string;
  /** What that service lacks. */
  readonly rootWhy: string;
  readonly onDown: DependencySpec['on_down'];
}

/** An instance that runs (or ran) for an older wish than the present one. */
export function isStale(service: WorldService, instance: WorldInstance): boolean {
  return instance.machine.generation !== service.generation;
}

/** An instance that is to have no process: its service is wanted down, or there are fewer instances now. */
export function isUnwanted(service: WorldService, instance: WorldInstance): boolean {
  return service.want === 'down' || instance.index >= service.wanted;
}

/** Alive, and to be ended before anything else. */
function isGoingDown(service: WorldService, instance: WorldInstance): boolean {
  return mayBeAlive(instance.machine.state) && (isUnwanted(service, instance) || isStale(service, instance));
}

/**
 * How things stand in a project at one moment. Each service is judged once, however many paths lead to it, and only
 * when something asks: make a new one when the world has changed.
 */
export class Outlook {
  readonly world: World;
  readonly #given: Dependants | null;
  #reversed: Dependants | null = null;
  readonly #lacks = new Map<string, Lacking | null>();
  readonly #unmet = new Map<string, readonly Unmet[]>();
  /** What holds back a service that waits: the first condition, a hopeless one before the others. */
  readonly #held = new Map<string, Unmet | null>();

  constructor(world: World, dependants: Dependants | null = null) {
    this.world = world;
    this.#given = dependants;
  }

  /** Every condition of the service that is not met now. */
  unmetConditions(service: WorldService): readonly Unmet[] {
    const known = this.#unmet.get(service.name);
    if (known) return known;
    this.#settle(this.#waitedFor(service));
    const unmet: Unmet[] = [];
    for (const dependency of service.dependsOn) {
      const found = judge(this, dependency);
      // A soft dependency is waited for while it is on its way, and no longer.
      if (found && (dependency.required || !found.hopeless)) unmet.push(found);
    }
    this.#unmet.set(service.name, unmet);
    return unmet;
  }

  /** What a dependency lacks to meet the condition; null: nothing. Those that wait have been settled before. */
  lackOf(service: string, condition: Condition): Lacking | null {
    const key = `${condition} ${service}`;
    const known = this.#lacks.get(key);
    if (known !== undefined) return known;
    const lack = lackOf(this, service, condition);
    this.#lacks.set(key, lack);
    return lack;
  }

  /** Only of what has been settled: a cycle, which no config has, holds nothing. */
  heldBy(service: WorldService): Unmet | null {
    return this.#held.get(service.name) ?? null;
  }

  dependantsOf(name: string): readonly string[] {
    this.#reversed ??= this.#given ?? reverse(edgesOf(this.world));
    return this.#reversed.get(name) ?? [];
  }

  /** Judges waiting services after those that they wait for. No recursion: a chain may have 2,000 links. */
  #settle(services: readonly WorldService[]): void {
    const stack = [...services];
    const begun = new Set<string>();
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const { name } = top;
      if (this.#held.has(name)) stack.pop();
      else if (begun.has(name)) {
        this.#held.set(name, worstOf(this, top));
      } else {
        begun.add(name);
        stack.push(...this.#waitedFor(top));
      }
    }
  }

  /** The dependencies that wait themselves and are not settled yet. */
  #waitedFor(service: WorldService): WorldService[] {
    const found: WorldService[] = [];
    for (const dependency of service.dependsOn) {
      if (this.#held.has(dependency.service)) continue;
      const target = this.world.get(dependency.service);
      if (target && target.want === 'up' && isWaiting(target)) found.push(target);
    }
    return found;
  }
}

/** The first condition that is not met, a hopeless one before the others. */
function worstOf(outlook: Outlook, service: WorldService): Unmet | null {
  let first: Unmet | null = null;
  for (const dependency of service.dependsOn) {
    const unmet = judge(outlook, dependency);
    if (unmet?.hopeless && dependency.required) return unmet;
    first ??= unmet;
  }
  return first;
}

/** service → the services that name it in `depends_on`. */
export type Dependants = ReadonlyMap<string, readonly string[]>;

function isWaiting(service: WorldService): boolean {
  return service.instances.some((i) => i.machine.state.name === 'waiting');
}

/**
 * The services whose next command can have changed because these have: a start looks at what it needs, and through
 * what waits at what that needs; a stop looks at its dependants.
 */
export function affectedBy(outlook: Outlook, changed: Iterable<string>): ReadonlySet<string> {
  const spreading = new Set(changed); // grows while it is walked
  const affected = new Set<string>();
  for (const name of spreading) {
    affected.add(name);
    for (const dependant of outlook.dependantsOf(name)) {
      affected.add(dependant);
      const other = outlook.world.get(dependant);
      if (other && isWaiting(other)) spreading.add(dependant);
    }
  }
  for (const name of changed) for (const { service } of outlook.world.get(name)?.dependsOn ?? []) affected.add(service);
  return affected;
}

/**
 * What is to be done to a run because of its dependencies' `on_down`, by the same conditions that hold back a start: so
 * nothing is stopped that would at once be started again. Null: it lives as it should.
 */
export function cascadeOf(
  outlook: Outlook,
  service: WorldService,
  instance: WorldInstance,
):
  | {
      readonly do: 'lose';
      readonly action: 'restart' | 'stop' | 'pause';
      readonly why: string;
      readonly roots: readonly string[];
    }
  | { readonly do: 'regain' }
  | null {
  const { state, cascade } = instance.machine;
  if (state.name !== 'starting' && state.name !== 'running' && state.name !== 'paused') return null;
  const down = service.dependsOn.every((d) => d.on_down === 'ignore') ? [] : outlook.unmetConditions(service);
  const why = (action: DependencySpec['on_down']): string | null =>
    causes(down.filter((u) => u.onDown === action)).join('; ') || null;
  const [stop, pause, restart] = [why('stop'), why('pause'), why('restart')];
  if (stop !== null) return { do: 'lose', action: 'stop', why: stop, roots: roots(down) };
  if (restart !== null && (cascade.outage === null || cascade.outage.back !== null))
    return { do: 'lose', action: 'restart', why: restart, roots: roots(down) };
  if (pause !== null)
    return state.name === 'running' ? { do: 'lose', action: 'pause', why: pause, roots: roots(down) } : null;
  if (state.name === 'paused') return { do: 'regain' };
  return restart === null && cascade.outage !== null && cascade.outage.back === null ? { do: 'regain' } : null;
}

/** Which services the unmet conditions come down to, each once. */
export function roots(unmet: readonly Unmet[]): readonly string[] {
  return [...new Set(unmet.map((u) => u.root))];
}

/** The reasons without those that only repeat another one at second hand ("migrate is waiting: db is starting"). */
export function causes(unmet: readonly Unmet[]): readonly string[] {
  const whys = new Set(unmet.map((u) => u.why));
  for (const { why, rootWhy } of unmet) if (rootWhy !== why && whys.has(rootWhy)) whys.delete(why);
  return [...whys];
}

function judge(outlook: Outlook, { service, condition, on_down }: DependencySpec): Unmet | null {
  const lack = outlook.lackOf(service, condition);
  if (!lack) return null;
  const { why, hopeless, root = service, rootWhy = why } = lack;
  return { dependency: service, condition, why, hopeless, root, rootWhy, onDown: on_down };
}

function lackOf(outlook: Outlook, name: string, condition: Condition): Lacking | null {
  const target = outlook.world.get(name);
  if (!target) return { why: `${name} is unknown`, hopeless: true };
  if (target.want === 'down') return { why: `${name} is stopped`, hopeless: true };
  const { instances } = target;
  for (const instance of instances) {
    const lacking = instance.index < target.wanted ? lacks(outlook, target, instance, condition) : null;
    if (lacking) return lacking;
  }
  return instances.length === 0 ? { why: `${name} has not been started`, hopeless: false } : null;
}

interface Lacking {
  readonly why: string;
  readonly hopeless: boolean;
  /** Left out: the service itself. */
  readonly root?: string;
  readonly rootWhy?: string;
}

function lacks(outlook: Outlook, service: WorldService, instance: WorldInstance, condition: Condition): Lacking | null {
  const { state } = instance.machine;
  const name = service.wanted > 1 ? `${service.name}:${instance.index}` : service.name;
  const coming = (why: string): Lacking => ({ why: `${name} ${why}`, hopeless: false });
  const never = (why: string): Lacking => ({ why: `${name} ${why}`, hopeless: true });
  if (isStale(service, instance) && state.name !== 'waiting')
    return coming(mayBeAlive(state) ? 'is being restarted' : 'has not been started yet');
  switch (state.name) {
    case 'completed':
      return condition === 'completed' || service.oneshot ? null : never('has completed');
    case 'running':
      return lackOfRunning(service, instance, condition, name);
    case 'spawning':
      return coming('is starting');
    case 'starting':
      return condition === 'started' ? null : coming(service.oneshot ? 'has not completed yet' : `is not ready yet`);
    case 'paused':
      return coming(`is paused: ${state.why}`);
    case 'waiting':
      return lackOfWaiting(outlook.heldBy(service), service, name);
    case 'backoff':
      return coming(`is down: ${state.why}; it will be retried`);
    case 'stopping':
      return coming(state.cause.kind === 'ended' ? `has ended: ${describeExit(state.exit)}` : 'is stopping');
    case 'failed':
      return never(`has failed: ${state.failure.message}`);
    case 'stopped':
      return never('has ended');
  }
}

function lackOfRunning(
  service: WorldService,
  instance: WorldInstance,
  condition: Condition,
  name: string,
): Lacking | null {
  if (condition === 'completed') return { why: `${name} is running and has not completed`, hopeless: false };
  if (condition !== 'healthy' || !service.hasHealth || instance.health === 'healthy') return null;
  return {
    why: instance.health === 'unhealthy' ? `${name} is unhealthy` : `${name} has not been checked yet`,
    hopeless: false,
  };
}

/** A waiting dependency is hopeless when what it waits for is. Of a chain, its end is named. */
function lackOfWaiting(cause: Unmet | null, service: WorldService, name: string): Lacking {
  if (!cause) return { why: `${name} is about to start`, hopeless: false, root: service.name };
  const { hopeless, root, rootWhy } = cause;
  return { why: `${name} is waiting: ${rootWhy}`, hopeless, root, rootWhy };
}

/** Dependants that are going down too: they go first. */
export function dependantsInTheWay(outlook: Outlook, service: WorldService): readonly string[] {
  return outlook.dependantsOf(service.name).filter((name) => {
    const other = outlook.world.get(name);
    return other !== undefined && name !== service.name && other.instances.some((i) => isGoingDown(other, i));
  });
}
