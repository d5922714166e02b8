import { constants } from 'node:os';
import { type Calls, ReeveError } from '@reeve/contract';
import { askKnown, notRunning } from '../ask-known.ts';
import { selection } from '../command-line/read-options.ts';
import type { Context } from '../context.ts';
import { findProject, refOf } from '../project/find-project.ts';
import type { Target } from '../project/target.ts';

type Surroundings = Calls['surroundings']['ok'];

export async function run(context: Context): Promise<number> {
  const [service = ''] = selection(context.args.positionals);
  const target = await findProject(context);
  const surroundings = await ask(context, target, service);
  return execute(context, surroundings, context.args.verbatim);
}

async function ask(context: Context, target: Target, service: string): Promise<Surroundings> {
  const project = refOf(target);
  const found = await askKnown(context, target, (client) => client.call('surroundings', { project, service }));
  if (found === null) throw await notRunning(context, target, service);
  return found;
}

/** Ends with the command's code, or 128 + n for a signal. */
async function execute(context: Context, { cwd, env, user }: Surroundings, words: readonly string[]): Promise<number> {
  const { spawn } = await import('node:child_process');
  const [command = '', ...args] = argvAs(user, words);
  // Ctrl-C reaches the command by itself, since it is in our group; SIGTERM and SIGHUP must be handed on.
  const child = spawn(command, args, { cwd, env: environmentOf(env, context), stdio: 'inherit' });
  const stop = context.io.onInterrupt(['SIGINT', 'SIGTERM', 'SIGHUP'], (signal) => {
    if (signal !== 'SIGINT') child.kill(signal);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      stop();
      reject(cannotStart(words[0] ?? '', error));
    });
    child.once('exit', (code, signal) => {
      stop();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** The command is a person's, not the service's: it must not carry the mark by which `stop` finds the service's processes. */
const NOT_HANDED_ON = new Set(['REEVE_RUN', 'NOTIFY_SOCKET']);

function environmentOf(env: Readonly<Record<string, string>>, context: Context): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !NOT_HANDED_ON.has(name));
  const term = context.io.env['TERM'];
  return { ...(term ? { TERM: term } : {}), ...Object.fromEntries(kept) };
}

/** As the service's user, with its supplementary groups, which Node's own way of changing the user would drop. */
function argvAs(user: Surroundings['user'], words: readonly string[]): readonly string[] {
  if (user === null || user.uid === process.getuid?.()) return words;
  if (process.getuid?.() !== 0) {
    throw new ReeveError('NOT_PERMITTED', {
      message: `the service runs as ${user.name}: only root may run something as another user`,
    });
  }
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--', ...words];
}

function cannotStart(command: string, error: NodeJS.ErrnoException): ReeveError {
  const why = error.code === 'ENOENT' ? 'no such program, or its folder is gone' : (error.code ?? error.message);
  return new ReeveError('SPAWN_FAILED', { command, why, hint: 'check the words after the service' }, { cause: error });
}
