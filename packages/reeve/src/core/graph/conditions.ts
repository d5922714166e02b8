import type { Condition, DependencySpec } from '@reeve/contract';
import { mayBeAlive } from '../lifecycle/table.ts';
import { describeExit } from '../restart/restart.ts';
import type { World, WorldInstance, WorldService } from './world.ts';

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

/** Every condition of the service that is not met now. */
export function unmetConditions(world: World, service: WorldService): readonly Unmet[] {
  return service.dependsOn.flatMap((dependency) => {
    const unmet = judge(world, dependency, new Set([service.name]));
    if (!unmet) return [];
    // A soft dependency is waited for while it is on its way, and no longer.
    return dependency.required || !unmet.hopeless ? [unmet] : [];
  });
}

/**
 * What is to be done to a run because of its dependencies' `on_down`, by the same conditions that hold back a start: so
 * nothing is stopped that would at once be started again. Null: it lives as it should.
 */
export function cascadeOf(
  world: World,
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
  const down = service.dependsOn.every((d) => d.on_down === 'ignore') ? [] : unmetConditions(world, service);
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

/** The reasons without those that only repeat another one at second hand ("migrate waits: db is starting"). */
export function causes(unmet: readonly Unmet[]): readonly string[] {
  const whys = [...new Set(unmet.map((u) => u.why))];
  return whys.filter((why) => !whys.some((other) => why.endsWith(`waits: ${other}`)));
}

function judge(world: World, dependency: DependencySpec, seen: ReadonlySet<string>): Unmet | null {
  const target = world.get(dependency.service);
  const unmet = (why: string, hopeless: boolean, root = dependency.service): Unmet => ({
    dependency: dependency.service,
    condition: dependency.condition,
    why,
    hopeless,
    root,
    onDown: dependency.on_down,
  });
  if (!target) return unmet(`${dependency.service} is unknown`, true);
  if (target.want === 'down') return unmet(`${target.name} is stopped`, true);
  for (const instance of target.instances.filter((i) => i.index < target.wanted)) {
    const lacking = lacks(world, target, instance, dependency.condition, seen);
    if (lacking) return unmet(lacking.why, lacking.hopeless, lacking.root);
  }
  return target.instances.length === 0 ? unmet(`${target.name} has not been started`, false) : null;
}

interface Lacking {
  readonly why: string;
  readonly hopeless: boolean;
  /** Left out: the service itself. */
  readonly root?: string;
}

function lacks(
  world: World,
  service: WorldService,
  instance: WorldInstance,
  condition: Condition,
  seen: ReadonlySet<string>,
): Lacking | null {
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
      return lackOfWaiting(world, service, name, seen);
    case 'backoff':
      return coming(`is down: ${state.why}; it is tried again`);
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
  if (condition === 'completed') return { why: `${name} runs, and has not completed`, hopeless: false };
  if (condition !== 'healthy' || !service.hasHealth || instance.health === 'healthy') return null;
  return {
    why: instance.health === 'unhealthy' ? `${name} is unhealthy` : `${name} has not been checked yet`,
    hopeless: false,
  };
}

/** A waiting dependency is hopeless when what it waits for is. */
function lackOfWaiting(world: World, service: WorldService, name: string, seen: ReadonlySet<string>): Lacking {
  const deeper = new Set([...seen, service.name]);
  const causes = service.dependsOn
    .filter((d) => !seen.has(d.service))
    .map((d) => ({ d, unmet: judge(world, d, deeper) }));
  const cause =
    causes.find(({ d, unmet }) => unmet?.hopeless && d.required)?.unmet ?? causes.find(({ unmet }) => unmet)?.unmet;
  return {
    why: cause ? `${name} waits: ${cause.why}` : `${name} is about to start`,
    hopeless: cause?.hopeless ?? false,
    root: cause?.root ?? service.name,
  };
}

/** Dependants that are going down too: they go first. */
export function dependantsInTheWay(world: World, service: WorldService): readonly string[] {
  return [...world.values()]
    .filter((other) => other.name !== service.name && other.dependsOn.some((d) => d.service === service.name))
    .filter((other) => other.instances.some((i) => isGoingDown(other, i)))
    .map((other) => other.name);
}
