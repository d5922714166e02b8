import { constants } from 'node:os';
import { basename } from 'node:path';
import { type Exit, NAME_PATTERN, type ProjectSpec, ReeveError, type ServiceView } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { bareSpec } from '../../core/spec/bare-spec.ts';
import { filterEnvironment } from '../../core/spec/environment.ts';
import { logSource, outputOfNextRun, type RunOutput } from '../../operations/logs/log-source.ts';
import { freeName, nameOfCommand } from '../command-line/run-spec.ts';
import { type Context, optionValue, say } from '../context.ts';
import { longCall } from '../daemon/long-call.ts';
import { connectOrStart, isLost } from '../daemon/reach-daemon.ts';
import { Interrupted, Interrupts } from '../interrupts.ts';
import { leftByThirdPress } from '../later-presses.ts';
import { logPlace } from '../log-lines.ts';
import { actor } from '../project/actor.ts';
import { findFolder } from '../project/find-project.ts';
import { loadProject } from '../project/load-project.ts';
import type { Target } from '../project/target.ts';
import { askDaemon } from '../project-views.ts';
import { renderReceipt } from '../show/receipt-text.ts';

export async function run(context: Context): Promise<number> {
  const words = context.args.verbatim;
  const wanted = optionValue(context, 'name');
  if (wanted !== null) checkedName(wanted);
  const target = await findFolder(context);
  const project = await projectFor(context, target);
  using interrupts = new Interrupts(context.io, ['SIGINT', 'SIGTERM', 'SIGHUP'], {
    outputs: [context.io.out, context.io.err],
  });
  await using client = await connectOrStart(context);
  const view = await askDaemon(client, target);
  const name = chooseName(context, words, project, view?.services ?? []);
  const spec = bareSpec(name, words, context.cwd);
  const services = [...project.services, spec];
  return await supervise(context, { client, project: { ...project, services }, name, interrupts });
}

/** The config's project, so that it is one service more of it; without a config, the folder's. */
async function projectFor(context: Context, target: Extract<Target, { kind: 'folder' }>): Promise<ProjectSpec> {
  const wanted = optionValue(context, 'project');
  if (target.config !== null) {
    const { project } = await loadProject(context, target);
    if (wanted === null || wanted === project.name) return project;
    throw new ReeveError('USAGE', {
      message: `this folder belongs to project ${project.name}, not ${wanted}`,
      hint: 'omit --project, or choose another folder with -C',
    });
  }
  const name =
    wanted ??
    (basename(target.folder)
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^-+/, '')
      .slice(0, 100) ||
      'project');
  return { folder: target.folder, name: checkedName(name), config: null, env: {}, env_files: [], services: [] };
}

const AWAKE: readonly ServiceView['state'][] = ['running', 'starting', 'waiting', 'backoff', 'stopping'];

/** A service that runs, or that the config declares, is never replaced by a command. */
function chooseName(
  context: Context,
  words: readonly string[],
  project: ProjectSpec,
  known: readonly ServiceView[],
): string {
  const declared = project.services.map((service) => service.name);
  const awake = known.filter(({ state }) => AWAKE.includes(state)).map((service) => service.name);
  const taken = new Set([...declared, ...awake].map((name) => name.toLowerCase()));
  const wanted = optionValue(context, 'name');
  if (wanted === null) return freeName(nameOfCommand(words), taken);
  if (!taken.has(checkedName(wanted).toLowerCase())) return wanted;
  throw new ReeveError('NAME_TAKEN', { name: wanted, project: project.name });
}

function checkedName(name: string): string {
  if (NAME_PATTERN.test(name)) return name;
  throw new ReeveError('USAGE', {
    message: `"${name}" cannot be a name`,
    hint: 'letters, digits, - and _, not beginning with -, at most 100',
  });
}

interface Supervised {
  readonly client: ReeveClient;
  readonly project: ProjectSpec;
  readonly name: string;
  readonly interrupts: Interrupts;
}

async function supervise(context: Context, { client, project, name, interrupts }: Supervised): Promise<number> {
  const { signal } = interrupts;
  const { folder } = project;
  const follower = await outputOfNextRun(logSource(logPlace(context, project.name, folder), name, 0, false));
  const over = new AbortController();
  const environment = filterEnvironment(context.io.env);
  const { project: called } = await client.call('apply', {
    project,
    environment,
    services: [name],
    prune: false,
    guard: null,
    actor: actor(),
  });
  const passing = pass(context, follower, over.signal);
  const view = await untilStopped(context, { client, folder, name, signal });
  // Also after it has ended by itself: it is no longer wanted, and nothing that it started may be left.
  const stop = { project: { folder }, services: [name], timeout: null, force: false, actor: actor() };
  const { receipt } = await longCall(client, 'stop', stop, { signal: leftByThirdPress(context, interrupts) });
  over.abort();
  await passing;
  if (receipt.status === 'INCOMPLETE') {
    context.io.err.write(renderReceipt(receipt, context.talk));
    return 6;
  }
  if (view === 'interrupted') return interrupts.code;
  if (context.json) context.io.err.write(`${JSON.stringify({ project: called, services: view ? [view] : [] })}\n`);
  return exitOf(name, view) || tellMissing(context, follower);
}

interface Waiting {
  readonly client: ReeveClient;
  readonly folder: string;
  readonly name: string;
  readonly signal: AbortSignal;
}

async function untilStopped(
  context: Context,
  { client, folder, name, signal }: Waiting,
): Promise<ServiceView | null | 'interrupted'> {
  try {
    const params = { project: { folder }, services: [name], until: 'stopped', timeout: null } as const;
    await longCall(client, 'wait', params, { signal });
    const seen = await askDaemon(client, { kind: 'folder', folder, config: null });
    return seen?.services.find((service) => service.name === name) ?? null;
  } catch (error) {
    if (isLost(error)) say(context, `${name} is not stopped; to stop it later: reeve stop ${name}`);
    if (!(error instanceof Interrupted)) throw error;
    say(context, `stopping ${name}`);
    return 'interrupted';
  }
}

/** The command's own bytes, as from a shell; what is not read must not pile up here, the log keeps it. */
async function pass({ io }: Context, follower: RunOutput, over: AbortSignal): Promise<void> {
  for await (const { stream, bytes } of follower.follow(over)) {
    const output = stream === 'out' ? io.out : io.err;
    output.write(bytes);
    await output.drained?.();
  }
}

function tellMissing(context: Context, follower: RunOutput): number {
  if (!follower.isMissingSome) return 0;
  say(context, 'some of the output is missing: it was written faster than it was read, and its log was rotated');
  return 1;
}

/** The command's code, 128 + n for a signal. Throws START_FAILED when it never ran. */
function exitOf(name: string, view: ServiceView | null): number {
  const exit: Exit | null = view?.exit ?? null;
  if (exit?.kind === 'code') return exit.code;
  if (exit?.kind === 'signal') return 128 + signalNumber(exit.signal);
  const why = exit ? 'its exit was not observed' : (view?.reason ?? 'it never ran');
  throw new ReeveError('START_FAILED', { message: `${name}: ${why}`, name });
}

function signalNumber(name: string): number {
  return Object.entries(constants.signals).find(([known]) => known === name)?.[1] ?? 0;
}
