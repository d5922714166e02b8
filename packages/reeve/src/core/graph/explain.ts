import type { RootView, ServiceView } from '@reeve/contract';
import { describeExit } from '../restart/restart.ts';
import { reasonOf, shownState, WORST_FIRST, worst } from '../view.ts';
import { causes, dependantsInTheWay, Outlook, roots } from './conditions.ts';
import type { World, WorldService } from './world.ts';

/** What `why` says, from the same predicates that decide: it cannot lie about the reason. */
export interface Explanation {
  readonly summary: string;
  readonly waitsFor: readonly string[];
  /** Where the chain of waiting ends: what those services are doing. */
  readonly roots: readonly RootView[];
  readonly blocks: readonly string[];
  readonly try: readonly string[];
}

export function explain(world: World, view: ServiceView): Explanation {
  const service = world.get(view.name);
  const outlook = new Outlook(world);
  const unmet = service && view.intent === 'up' && view.state === 'waiting' ? outlook.unmetConditions(service) : [];
  const inTheWay = service && view.intent === 'down' ? dependantsInTheWay(outlook, service) : [];
  const found = roots(unmet).map((name) => rootView(world, name));
  return {
    summary: summarize(view, inTheWay),
    waitsFor: causes(unmet),
    roots: found,
    blocks: blockedBy(outlook, view.name),
    try: [...fixes(service), ...found.map(({ name }) => `reeve why ${name}`), ...suggestions(view)],
  };
}

/** What the service at the root of the trouble is doing: the worst of its instances. */
function rootView(world: World, name: string): RootView {
  const service = world.get(name);
  const instances = service?.instances ?? [];
  const shown = worst(
    WORST_FIRST,
    instances.map(({ machine }) => shownState(machine.state.name)),
  );
  const seen = instances.find(({ machine }) => shownState(machine.state.name) === shown);
  return {
    name,
    state: shown ?? 'stopped',
    intent: service?.want ?? 'down',
    reason: seen ? reasonOf(seen.machine.state, seen.lacking) : null,
  };
}

/** What is known to fix a failure. */
function fixes(service: WorldService | undefined): readonly string[] {
  const known = (service?.instances ?? []).flatMap(({ machine: { state } }) =>
    state.name === 'failed' && state.failure.fix ? [state.failure.fix] : [],
  );
  return [...new Set(known)];
}

function summarize(view: ServiceView, inTheWay: readonly string[]): string {
  const wanted = `wanted: ${view.intent}`;
  const because = view.reason ? `: ${view.reason}` : '';
  if (inTheWay.length > 0) return `${view.name} is ${view.state} (${wanted}): ${inTheWay.join(', ')} must exit first`;
  switch (view.state) {
    case 'running':
      return `${view.name} is running${view.health === 'unknown' ? '' : ` and ${view.health}`} (${wanted})`;
    case 'stopped':
      return `${view.name} is stopped (${wanted})${because || (view.exit && view.intent === 'up' ? `: ${describeExit(view.exit)}` : '')}`;
    case 'starting':
    case 'waiting':
    case 'stopping':
    case 'backoff':
    case 'failed':
    case 'completed':
      return `${view.name} is ${view.state === 'backoff' ? 'in backoff' : view.state === 'failed' ? 'failed' : view.state} (${wanted})${because}`;
  }
}

/** Services that wait, and whose condition on this one is not met. */
function blockedBy(outlook: Outlook, name: string): readonly string[] {
  return outlook
    .dependantsOf(name)
    .flatMap((dependant) => outlook.world.get(dependant) ?? [])
    .filter((other) => other.instances.some((i) => i.machine.state.name === 'waiting'))
    .filter((other) => outlook.unmetConditions(other).some((u) => u.dependency === name))
    .map((other) => other.name);
}

function suggestions(view: ServiceView): readonly string[] {
  const logs = `reeve logs ${view.name}`;
  switch (view.state) {
    case 'failed':
    case 'backoff':
      return [
        logs,
        `reeve start ${view.name}`,
        ...view.ports.flatMap((p) => (p.port !== null && p.listening ? [`reeve ports ${p.port}`] : [])),
      ];
    case 'stopped':
    case 'completed':
      return [`reeve start ${view.name}`, logs];
    case 'waiting':
      return ['reeve graph'];
    case 'starting':
    case 'running':
    case 'stopping':
      return [logs, `reeve events ${view.name}`];
  }
}
