import { mayBeAlive } from '../lifecycle/table.ts';
import { cascadeOf, causes, dependantsInTheWay, isStale, isUnwanted, type Outlook, roots } from './conditions.ts';
import type { WorldInstance, WorldService } from './world.ts';

/** What to send to an instance, so that the world comes nearer to the intent. */
export type Command = { readonly service: string; readonly index: number } & (
  | { readonly do: 'start'; readonly generation: number }
  /** `roots`: the services that it comes down to. */
  | { readonly do: 'hold'; readonly why: string; readonly hopeless: boolean; readonly roots: readonly string[] }
  /** A dependency is away, or all are back, under an `on_down` that is not `ignore`. */
  | {
      readonly do: 'lose';
      readonly why: string;
      readonly action: 'restart' | 'stop' | 'pause';
      readonly roots: readonly string[];
    }
  | { readonly do: 'regain' }
  | { readonly do: 'stop'; readonly cause: 'asked' | 'stale' }
);

/**
 * Intent × observation → commands. Called after every change; says nothing when there is nothing to do. It holds the
 * order: a start waits for its conditions, a stop for the dependants that go down too. `names`: the services to look at
 * (`affectedBy`); all, when left out.
 */
export function reconcile(outlook: Outlook, names: Iterable<string> = outlook.world.keys()): readonly Command[] {
  const commands: Command[] = [];
  for (const name of names) {
    const service = outlook.world.get(name);
    for (const instance of service?.instances ?? []) {
      const command = service && commandFor(outlook, service, instance);
      if (command) commands.push(command);
    }
  }
  return commands;
}

function commandFor(outlook: Outlook, service: WorldService, instance: WorldInstance): Command | null {
  const at = { service: service.name, index: instance.index };
  const { state } = instance.machine;
  if (isUnwanted(service, instance)) {
    if (state.name === 'stopped' || (state.name === 'failed' && state.run !== null)) return null;
    return isEnding(instance, 'asked') || mustWait(outlook, service, instance)
      ? null
      : { ...at, do: 'stop', cause: 'asked' };
  }
  if (mayBeAlive(state)) {
    if (state.name === 'failed') return null;
    if (!isStale(service, instance)) return cascadeFor(outlook, service, instance);
    return isEnding(instance, 'stale') || mustWait(outlook, service, instance)
      ? null
      : { ...at, do: 'stop', cause: 'stale' };
  }
  if (!isStale(service, instance) && state.name !== 'waiting') return null;
  const unmet = outlook.unmetConditions(service);
  if (unmet.length === 0) return { ...at, do: 'start', generation: service.generation };
  const why = causes(unmet).join('; ');
  const hopeless = unmet.some((u) => u.hopeless);
  const isKnown = state.name === 'waiting' && state.why === why && state.hopeless === hopeless;
  return isKnown ? null : { ...at, do: 'hold', why, hopeless, roots: roots(unmet) };
}

function cascadeFor(outlook: Outlook, service: WorldService, instance: WorldInstance): Command | null {
  const cascade = cascadeOf(outlook, service, instance);
  return cascade && { service: service.name, index: instance.index, ...cascade };
}

/** Dependants go first, but only what is alive needs to wait for them. */
function mustWait(outlook: Outlook, service: WorldService, instance: WorldInstance): boolean {
  return mayBeAlive(instance.machine.state) && dependantsInTheWay(outlook, service).length > 0;
}

function isEnding(instance: WorldInstance, cause: 'asked' | 'stale'): boolean {
  const { state } = instance.machine;
  if (state.name === 'spawning') return state.stop !== null && (cause === 'stale' || state.stop.kind === 'asked');
  if (state.name !== 'stopping') return false;
  return state.cause.kind === 'asked' || (cause === 'stale' && state.cause.kind === 'stale');
}
