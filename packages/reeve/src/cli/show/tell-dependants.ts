import type { ReeveClient } from '@reeve/sdk';
import { edgesOf, reverse } from '../../core/graph/graph.ts';
import { type Context, say } from '../context.ts';
import { rememberedProject, withMemory } from '../memory.ts';
import type { Target } from '../project/target.ts';
import { askDaemon } from '../project-views.ts';

const RUNS: ReadonlySet<string> = new Set(['running', 'starting', 'backoff']);

/** Before some services are stopped: which running services depend on them. */
export async function tellDependants(
  context: Context,
  client: ReeveClient,
  target: Target,
  words: readonly string[],
): Promise<void> {
  const stopped = new Set(words.map((word) => word.replace(/:\d+$/, '').toLowerCase()));
  const specs = await withMemory(context, (registry) => {
    const project = rememberedProject(registry, target);
    return project ? registry.services.of(project.folder).map(({ spec }) => spec) : [];
  });
  const view = await askDaemon(client, target);
  const running = new Set(view?.services.filter(({ state }) => RUNS.has(state)).map(({ name }) => name));
  for (const [name, dependants] of reverse(edgesOf(specs ?? []))) {
    if (!stopped.has(name.toLowerCase())) continue;
    const left = dependants.filter((other) => running.has(other) && !stopped.has(other.toLowerCase()));
    if (left.length === 0) continue;
    say(
      context,
      `note: ${left.join(', ')} ${left.length === 1 ? 'depends' : 'depend'} on ${name} and ${left.length === 1 ? 'keeps' : 'keep'} running`,
    );
  }
}
