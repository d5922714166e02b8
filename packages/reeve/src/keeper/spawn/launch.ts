import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { SpawnRequest } from '@reeve/contract';
import { spawnsBelow, usualDescriptors, withUsualDescriptors } from '@reeve/host';
import { channelVariables, type GivenChannels } from '../channels/channels.ts';
import type { Adoption } from '../reaping/adoption.ts';
import { checkRights } from './check-rights.ts';
import { type Descriptors, planDescriptors } from './descriptors.ts';
import { checkFolder, findProgram } from './program.ts';
import { needsWrapper, type ToolName, wrap } from './wrapper.ts';

export interface LaunchDescriptors {
  readonly out: number;
  readonly err: number;
  /** Where a wrapper reports; asked for only if there is one. */
  readonly reports: () => number;
  readonly given: GivenChannels;
}
export interface Launched {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The command runs only when the wrapper has reported. */
  readonly wrapped: boolean;
  /** Number of the descriptor that is its Node channel. */
  readonly ipc: number | null;
}

/** Of a service that declares none. The keeper's own keeps every other user out, which is not what services expect. */
const USUAL_UMASK = 0o022;

/**
 * Starts the process of a run in a session of its own. Throws {@link SpawnRefused} or the system's error, at once
 * but for those errors that Node tells later.
 */
export async function launch(request: SpawnRequest, fds: LaunchDescriptors, adoption: Adoption): Promise<Launched> {
  checkFolder(request.cwd);
  const [name = ''] = request.argv;
  const program = findProgram(name, request.cwd, request.env['PATH']);
  const limited = limitedByWrapper(request);
  const wrapped = limited !== null || needsWrapper(request);
  if (wrapped) checkRights(request);
  const plan = planDescriptors(fds.given.wanted, wrapped);
  const env = { ...request.env, ...channelVariables(fds.given.wanted, plan) };
  const shell =
    plan.reports === null
      ? null
      : wrap({ ...request, env, argv: shellSafe(request, program) }, toolPath, {
          reports: plan.reports,
          descriptors: limited,
        });
  const [file, ...args] = shell ?? [program, ...request.argv.slice(1)];
  const start = (): ChildProcess =>
    spawn(file ?? program, args, {
      argv0: shell === null ? name : '/bin/sh',
      cwd: request.cwd,
      env,
      detached: true,
      stdio: stdioOf(plan, fds),
    });
  const child = withUmask(request.umask ?? USUAL_UMASK, () =>
    adoption.marked(request.mark, () => withUsualDescriptors(start)),
  );
  adoption.owns(child);
  if (child.pid !== undefined) return { child, pid: child.pid, wrapped, ipc: plan.ipc };
  const [error] = await once(child, 'error');
  throw error;
}

/** What is forked inherits it. Node throws some errors of a spawn at once: ours must be back then, too. */
function withUmask<T>(mask: number, spawn: () => T): T {
  const own = process.umask(mask);
  try {
    return spawn();
  } finally {
    process.umask(own);
  }
}

/** The usual limit on descriptors, where we hold too many of them to be under it ourselves for the time of the fork. */
function limitedByWrapper({ limits }: SpawnRequest): number | null {
  if (limits['nofile'] !== undefined) return null;
  const usual = usualDescriptors();
  return usual === null || spawnsBelow(usual) ? null : usual;
}

/** Unused numbers stay closed. */
function stdioOf(plan: Descriptors, { out, err, given, reports }: LaunchDescriptors): StdioOptions {
  const used = [...plan.listen, plan.ready, plan.ipc, plan.reports].filter((fd) => fd !== null);
  const stdio = Array<number | 'ignore' | 'pipe'>(Math.max(2, ...used) + 1).fill('ignore');
  stdio[1] = out;
  stdio[2] = err;
  for (const [n, fd] of plan.listen.entries()) stdio[fd] = given.listen[n] ?? 'ignore';
  if (plan.ready !== null) stdio[plan.ready] = given.ready ?? 'ignore';
  if (plan.ipc !== null) stdio[plan.ipc] = 'pipe';
  if (plan.reports !== null) stdio[plan.reports] = reports();
  return stdio;
}

/** A shell takes a name with a dash for an option, and needs the path where the service has no PATH. */
function shellSafe({ argv, env }: SpawnRequest, program: string): readonly string[] {
  const plain = env['PATH'] !== undefined && !argv[0]?.startsWith('-');
  return plain ? argv : [program, ...argv.slice(1)];
}

const TOOL_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/run/current-system/sw/bin', '/usr/local/bin'];
const found = new Map<ToolName, string>();

function toolPath(name: ToolName): string {
  const known = found.get(name);
  if (known !== undefined) return known;
  const file = findProgram(name, '/', TOOL_FOLDERS.join(':'));
  found.set(name, file);
  return file;
}
