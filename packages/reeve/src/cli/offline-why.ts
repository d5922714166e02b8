import type { DaemonView, WhyView } from '@reeve/contract';
import { explain } from '../core/graph/explain.ts';
import { storyOf } from '../core/graph/story.ts';
import type { World } from '../core/graph/world.ts';
import { NEW_MACHINE } from '../core/lifecycle/table.ts';
import type { Machine } from '../core/lifecycle/types.ts';
import type { ProjectRow, Registry } from '../core/registry.ts';
import { newestLines } from '../operations/logs/newest-lines.ts';
import { lookAround } from '../operations/read/look-around.ts';
import { declaredView, type Eyes, rememberedView, trueMachine } from '../operations/read/offline-view.ts';
import type { Context } from './context.ts';
import { logPlace } from './log-lines.ts';
import { rememberedProject, withMemory } from './memory.ts';
import { NO_DAEMON } from './no-daemon.ts';
import { loadProject } from './project/load-project.ts';
import type { Target } from './project/target.ts';
import { chooseServices } from './project/unknown-service.ts';

const LINES = 8;

/** `why` without a daemon; null when nothing is remembered of the project. Throws SERVICE_UNKNOWN. */
export async function rememberedWhy(
  context: Context,
  target: Target,
  word: string,
  daemon: DaemonView,
): Promise<WhyView | null> {
  const eyes = lookAround();
  return withMemory(context, async (registry) => {
    const project = rememberedProject(registry, target);
    if (!project) return null;
    const view = rememberedView(registry, project, eyes, NO_DAEMON);
    const [name = word] = chooseServices(
      [word],
      project.name,
      view.services.map((s) => s.name),
    );
    const service = view.services.find((s) => s.name === name);
    if (!service) return null;
    const said = explain(rememberedWorld(registry, project, eyes), service);
    const indexes = service.instances.map(({ index }) => index);
    const lines = await newestLines(logPlace(context, project.name, project.folder), name, indexes, LINES);
    return {
      service,
      summary: said.summary,
      waits_for: said.waitsFor,
      roots: said.roots,
      blocks: said.blocks,
      ...storyOf(registry.events, project.folder, name),
      last_lines: lines.map(({ line }) => line),
      next_try_at: null,
      survivors: [],
      try: [...(daemon.running ? [] : ['reeve daemon start']), ...said.try],
    };
  });
}

/** The same facts that the daemon would decide by. */
function rememberedWorld(registry: Registry, { folder }: ProjectRow, eyes: Eyes): World {
  const intents = new Map(registry.intents.of(folder).map((row) => [row.service, row]));
  const rows = registry.instances.of(folder);
  return new Map(
    registry.services.of(folder).map(({ name, spec }) => {
      const instances = Array.from({ length: spec.instances }, (_, index) => {
        const row = rows.find((each) => each.service === name && each.index === index);
        const runs = registry.runs.of(folder, name, index, 2);
        const known = (row?.machine as Machine | undefined) ?? NEW_MACHINE;
        const machine = trueMachine(known, runs, eyes, registry.facts.get('boot'));
        return { index, machine, health: 'unknown' as const, lacking: null };
      });
      const { oneshot, depends_on: dependsOn, health, instances: wanted } = spec;
      const { want = 'down', generation = 0 } = intents.get(name) ?? {};
      return [name, { name, oneshot, hasHealth: health !== null, dependsOn, want, generation, wanted, instances }];
    }),
  );
}

/** Of a config that has never been applied. Throws SERVICE_UNKNOWN. */
export async function neverStarted(context: Context, target: Target, word: string): Promise<WhyView> {
  const { project } = await loadProject(context, target);
  const view = declaredView(project, NO_DAEMON);
  const [name = word] = chooseServices(
    [word],
    project.name,
    view.services.map((s) => s.name),
  );
  const service = view.services.find((s) => s.name === name);
  if (!service) throw new Error(`${name} has no view`);
  return {
    service,
    summary: `${name} has never been started: this config has not been applied`,
    waits_for: [],
    roots: [],
    blocks: [],
    because: [],
    crash: null,
    events: [],
    last_lines: [],
    next_try_at: null,
    survivors: [],
    try: [`reeve up ${name}`, 'reeve up'],
  };
}
