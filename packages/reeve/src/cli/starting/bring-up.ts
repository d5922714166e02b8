import type { Applied } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import type { Loaded } from '../../config/load.ts';
import { edgesOf, longestChain, withNeeded } from '../../core/graph/graph.ts';
import { filterEnvironment } from '../../core/spec/environment.ts';
import { durationOption } from '../command-line/read-options.ts';
import { type Context, has, printJson, say } from '../context.ts';
import { aboutOf } from '../daemon/about-daemon.ts';
import { longCall } from '../daemon/long-call.ts';
import { connectOrStart } from '../daemon/reach-daemon.ts';
import { changesText } from '../dry-run.ts';
import { weightiest } from '../exit-code.ts';
import { actor } from '../project/actor.ts';
import { tellProblems } from '../show/daemon-problems.ts';
import { tellReplaced } from '../show/replaced-copies.ts';
import { sessionProblems } from '../show/session-problem.ts';
import { tellSteps } from '../show/verbose-steps.ts';
import { safeText } from '../terminal/safe-text.ts';
import { awaitStart } from './await-start.ts';

/** A start is given at least this long. Milliseconds. */
const LEAST = 30_000;

export interface BringUp {
  readonly loaded: Loaded;
  readonly services: readonly string[];
  readonly signal: AbortSignal;
}

/** Applies the config and waits. Returns the exit code. */
export async function bringUp(context: Context, { loaded, services, signal }: BringUp): Promise<number> {
  const began = performance.now();
  const { project } = loaded;
  await using client = await connectOrStart(context);
  const steps = tellSteps(context, client);
  try {
    // With --prune it takes as long as what has left the config takes to end.
    const applied = await longCall(
      client,
      'apply',
      {
        project,
        environment: filterEnvironment(context.io.env),
        services,
        prune: has(context, 'prune'),
        guard: loaded.guard,
        actor: actor(),
      },
      { signal },
    );
    tellReplaced(context, applied);
    tellApplied(context, loaded, applied);
    await tellOfDaemon(context, client, applied);
    const extra = { changed: applied.changed, removed: applied.removed };
    if (has(context, 'no-wait')) return accepted(context, applied, extra);
    const timeout = durationOption(context, 'timeout') ?? patienceFor(loaded, applied.services);
    const ref = { folder: project.folder };
    const start = {
      client,
      project: ref,
      accepted: applied,
      timeout,
      began,
      signal,
      extra,
      steps,
      edges: edgesOf(project.services),
    };
    const code = await awaitStart(context, start);
    return weightiest([code, has(context, 'prune') ? await tellPruned(context, client, applied, project.folder) : 0]);
  } finally {
    steps.stop();
  }
}

/** What the config itself allows for the slowest chain of services to become ready. Milliseconds. */
export function patienceFor({ project }: Pick<Loaded, 'project'>, names: readonly string[]): number {
  const all = edgesOf(project.services);
  const wanted = new Set(withNeeded(all, names));
  const edges = new Map([...all].filter(([name]) => wanted.has(name)));
  const readyTimeout = new Map(project.services.map((s) => [s.name, s.ready_timeout]));
  return Math.max(
    LEAST,
    longestChain(edges, (name) => readyTimeout.get(name) ?? 0),
  );
}

function tellApplied(context: Context, { wantedName, project, unacted }: Loaded, applied: Applied): void {
  if (applied.renamed_from !== null) {
    say(context, `the name ${wantedName} is taken by another folder; this project will be called ${applied.project}`);
  }
  if (context.talk.rich && !context.json) {
    const { config } = project;
    say(
      context,
      `${context.talk.paint('bold', applied.project)}  ${context.talk.paint('grey', config ?? project.folder)}`,
    );
  }
  if (!context.json) for (const note of unacted) say(context, `note: ${safeText(note)}`);
  if (applied.changed.length > 0) say(context, `changed: ${applied.changed.join(', ')}`);
  if (!context.json) {
    for (const [name, changes] of Object.entries(applied.changes ?? {}))
      if (changes.length > 0) say(context, changesText({ name, changes }, context.talk).trimEnd());
  }
  if (applied.removed.length > 0 && !has(context, 'prune')) {
    say(context, `no longer in the config: ${applied.removed.join(', ')}; reeve up --prune stops them`);
  }
}

/** What a user who starts something should know of the daemon and its keeper. */
async function tellOfDaemon(context: Context, client: ReeveClient, applied: Applied): Promise<void> {
  if (context.json) return;
  const about = await aboutOf(client);
  tellProblems(context, [...(applied.problems ?? []), ...(about ? sessionProblems(about, client.daemon.pid) : [])]);
}

function accepted(context: Context, applied: Applied, extra: Readonly<Record<string, unknown>>): number {
  if (context.json) {
    const services = applied.services.map((name) => ({ name, already: applied.already.includes(name) }));
    printJson(context, { project: applied.project, outcome: 'accepted', services, ...extra });
  } else context.io.out.write(`accepted: ${applied.services.join(', ') || 'nothing to start'}\n`);
  return 0;
}

/** The daemon has ended them before it answered; what would not end is still listed. Returns the exit code. */
async function tellPruned(context: Context, client: ReeveClient, applied: Applied, folder: string): Promise<number> {
  if (applied.removed.length === 0) return 0;
  const { projects } = await client.call('ps', { project: { folder } });
  const known = new Set(projects[0]?.services.map(({ name }) => name));
  const left = applied.removed.filter((name) => known.has(name));
  const gone = applied.removed.filter((name) => !known.has(name));
  if (gone.length > 0) say(context, `stopped, no longer in the config: ${gone.join(', ')}`);
  if (left.length === 0) return 0;
  say(context, `removed from the config, but could not be stopped: ${left.join(', ')}`);
  say(context, `  More: reeve why ${left[0]}`);
  return 6;
}
