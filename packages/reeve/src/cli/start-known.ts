import { type Accepted, type ProjectRef, type PsView, ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { type Edges, edgesOf } from '../core/graph/graph.ts';
import { startManual } from '../operations/start/start-manual.ts';
import { announcedInHome } from './announced-here.ts';
import { askKnown } from './ask-known.ts';
import { callerOf } from './caller.ts';
import { durationOption, selection } from './command-line/read-options.ts';
import { type Context, has, printJson } from './context.ts';
import { connectOrStart } from './daemon/reach-daemon.ts';
import { weightiest } from './exit-code.ts';
import { Interrupts, START_GOES_ON } from './interrupts.ts';
import { findProject, refOf } from './project/find-project.ts';
import { loadProject } from './project/load-project.ts';
import { projectFacts } from './project-facts.ts';
import { startLines } from './restart-everything.ts';
import { tellReplaced } from './show/replaced-copies.ts';
import { tellSteps } from './show/verbose-steps.ts';
import { awaitStart } from './starting/await-start.ts';
import { bringUp } from './starting/bring-up.ts';

/** `start` and `restart` wait this long by default. */
const PATIENCE = 60_000;

export type Ask = (client: ReeveClient, project: ProjectRef, services: readonly string[]) => Promise<Accepted>;

/**
 * `start` and `restart`: what reeve knows already; a config that it does not know yet is applied, as by `up`. With
 * --all one project after the other. Returns the exit code.
 */
export async function startKnown(context: Context, ask: Ask): Promise<number> {
  const services = selection(context.args.positionals);
  using interrupts = new Interrupts(context.io, ['SIGINT'], { note: START_GOES_ON });
  const { signal } = interrupts;
  if (has(context, 'all')) return await startAll(context, ask, services, signal);
  const target = await findProject(context);
  const project = refOf(target);
  const code = await askKnown(context, target, (client) =>
    startOne(context, { client, project, services, ask, signal }),
  );
  return code ?? (await bringUp(context, { loaded: await loadProject(context, target), services, signal }));
}

async function startAll(context: Context, ask: Ask, services: readonly string[], signal: AbortSignal): Promise<number> {
  if (services.length > 0)
    throw new ReeveError('USAGE', { message: '--all and the names of services contradict each other' });
  await using client = await connectOrStart(context);
  const { projects } = await client.call('ps', { project: null });
  const codes: number[] = [];
  for (const { project: name, scanned_at } of projects) {
    // Known by announcements alone: nothing of it is reeve's to start.
    if (scanned_at === null) continue;
    codes.push(await startOne(context, { client, project: { name }, services, ask, signal }));
  }
  return weightiest([...codes, await startIdleManagers(context, projects)]);
}

/** Managers that announced how they are started, and do not run. */
async function startIdleManagers(context: Context, projects: readonly PsView[]): Promise<number> {
  const own = new Set(
    projects.flatMap(({ project, services }) =>
      services.filter(({ managed_by: by }) => by === 'config').map(({ name }) => `${project}/${name}`.toLowerCase()),
    ),
  );
  const idle = announcedInHome(context).announced.filter(
    ({ card, liveness }) =>
      (liveness === 'stopped' || liveness === 'stale') &&
      card.announcement?.start?.kind === 'command' &&
      !own.has(`${card.project}/${card.service}`.toLowerCase()),
  );
  if (idle.length === 0) return 0;
  const starts = await startManual(callerOf(context), idle, durationOption(context, 'timeout') ?? PATIENCE);
  if (context.json) printJson(context, { starts });
  else context.io.out.write(startLines(starts, context.style));
  return starts.every(({ ok }) => ok) ? 0 : 1;
}

interface One {
  readonly client: ReeveClient;
  readonly project: ProjectRef;
  readonly services: readonly string[];
  readonly ask: Ask;
  readonly signal: AbortSignal;
}

async function startOne(context: Context, { client, project, services, ask, signal }: One): Promise<number> {
  const began = performance.now();
  const steps = tellSteps(context, client);
  try {
    const accepted = await ask(client, project, services);
    tellReplaced(context, accepted);
    if (has(context, 'no-wait')) return tellAccepted(context, accepted);
    const timeout = durationOption(context, 'timeout') ?? PATIENCE;
    return await awaitStart(context, {
      client,
      project,
      accepted,
      timeout,
      began,
      signal,
      steps,
      edges: await edgesFor(context, accepted),
    });
  } finally {
    steps.stop();
  }
}

/** Who needs whom, for those who want to see each step. */
async function edgesFor(context: Context, { project: name }: Accepted): Promise<Edges> {
  if (!context.verbose) return new Map();
  const { services } = await projectFacts(context, { kind: 'named', name });
  return edgesOf(services.values());
}

function tellAccepted(context: Context, { project, services, already }: Accepted): number {
  const rows = services.map((name) => ({ name, already: already.includes(name) }));
  if (context.json) printJson(context, { project, outcome: 'accepted', services: rows });
  else context.io.out.write(`accepted: ${services.join(', ') || 'nothing to start'}\n`);
  return 0;
}
