import { basename } from 'node:path';
import { NAME_PATTERN, type ProcessIdentity, properName, ReeveError } from '@reeve/contract';
import { identify, startedAt, uidOf } from '@reeve/host';
import { type Registration, register } from '../../operations/project/registrations.ts';
import { announcedOf } from '../announced-here.ts';
import { durationOption } from '../command-line/read-options.ts';
import { type Context, optionValue, printJson } from '../context.ts';
import { pathsOf } from '../daemon/reach-daemon.ts';
import { rememberedProject, withMemory } from '../memory.ts';
import { findFolder } from '../project/find-project.ts';
import { loadProject } from '../project/load-project.ts';
import { viewProject } from '../project-views.ts';

const CLEANUP_TIMEOUT = 5000;

export async function run(context: Context): Promise<number> {
  const name = nameOf(context);
  const target = await findFolder(context);
  const process = identityOf(context);
  await refuseTaken(context, name, target, process);
  const entry: Registration = {
    name,
    project: await projectName(context, target),
    folder: target.folder,
    process,
    startedAt: process && new Date(startedAt(process)).toISOString(),
    description: optionValue(context, 'description') ?? '',
    ports: words(context, 'port').map(readPort),
    dependencies: words(context, 'depends'),
    capabilities: words(context, 'capability'),
    start: optionValue(context, 'start'),
    cleanup: optionValue(context, 'cleanup'),
    cleanupTimeout: durationOption(context, 'cleanup-timeout') ?? CLEANUP_TIMEOUT,
    cwd: target.folder,
    data: dataOf(context),
  };
  const file = register(pathsOf(context), entry);
  const pid = process?.pid ?? null;
  if (context.json) printJson(context, { registrations: [{ name, project: entry.project, pid, file }] });
  else
    context.io.out.write(
      `registered ${name} in ${entry.project}${pid === null ? ', without a process' : ` (pid ${pid})`}\n`,
    );
  return 0;
}

function nameOf(context: Context): string {
  const name = context.args.positionals[0] ?? optionValue(context, 'name');
  if (name !== null && NAME_PATTERN.test(name)) return name;
  const message = name === null ? 'register needs a name' : `"${name}" cannot be the name of a service`;
  throw new ReeveError('USAGE', { message, hint: 'reeve register nightly --pid 4711' });
}

function identityOf(context: Context): ProcessIdentity | null {
  const text = optionValue(context, 'pid');
  if (text === null) return null;
  const pid = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (pid < 2)
    throw new ReeveError('USAGE', { message: `--pid ${text} is not a valid pid`, hint: 'a whole number above 1' });
  const found = identify(pid);
  if (found === null)
    throw new ReeveError('NOTHING_FOUND', {
      message: `no such process: ${pid}`,
      hint: 'reeve hunt finds processes',
    });
  const uid = uidOf(pid);
  if (uid !== process.geteuid?.() && process.geteuid?.() !== 0)
    throw new ReeveError('NOT_PERMITTED', { message: `process ${pid} belongs to user ${uid}, not to you` });
  return found;
}

type Here = Awaited<ReturnType<typeof findFolder>>;

/** A name is one service's: who lives under it is named. Registering the same process again changes what is said of it. */
async function refuseTaken(
  context: Context,
  name: string,
  target: Here,
  process: ProcessIdentity | null,
): Promise<void> {
  const same = announcedOf(context, target).find(({ card }) => card.service.toLowerCase() === name.toLowerCase());
  const isOther = same?.liveness === 'live' && same.card.pid !== process?.pid;
  if (same && isOther) throw taken(name, same.card.project, same.card.pid);
  const view = await viewProject(context, target).catch((error: unknown) => {
    if (error instanceof ReeveError && error.exit === 4) return null;
    throw error;
  });
  const known = view?.services.find((service) => service.name.toLowerCase() === name.toLowerCase());
  if (view && known && known.managed_by === 'config' && known.pid !== null) throw taken(name, view.project, known.pid);
}

function taken(name: string, project: string, pid: number): ReeveError {
  return new ReeveError('ALREADY_RUNNING', { name, project, pid });
}

async function projectName(context: Context, target: Here): Promise<string> {
  const known = await withMemory(context, (registry) => rememberedProject(registry, target));
  if (known) return known.name;
  if (target.config !== null) return (await loadProject(context, target)).project.name;
  return properName(basename(target.folder)) ?? 'project';
}

function words(context: Context, option: string): readonly string[] {
  const text = optionValue(context, option) ?? '';
  return text.split(',').flatMap((word) => word.trim() || []);
}

function readPort(text: string): Registration['ports'][number] {
  const [, digits = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? [];
  const port = Number(digits);
  if (port >= 1 && port <= 65_535) return { port, protocol: protocol === 'udp' ? 'udp' : 'tcp' };
  throw new ReeveError('USAGE', {
    message: `--port "${text}" is not a valid port`,
    hint: 'for example 8081, 53/udp, or 8081,8082',
  });
}

function dataOf(context: Context): Registration['data'] {
  const text = optionValue(context, 'data');
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Registration['data'];
  } catch {
    // Said below.
  }
  throw new ReeveError('USAGE', {
    message: '--data is not a JSON object',
    hint: `for example --data '{"version":"1.2.0"}'`,
  });
}
