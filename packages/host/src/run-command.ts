import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { endProcesses } from './end-processes.ts';
import { identify } from './linux/identity.ts';
import { withUsualDescriptors } from './linux/usual-descriptors.ts';
import { pause } from './timer.ts';

export interface CommandRun {
  /** A text for `/bin/sh -c`, or argv. */
  readonly command: string | readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds. */
  readonly limit: number;
}
/** `failed`: another exit code than 0, a signal, or it could not be started. */
export interface CommandEnd {
  readonly reason: 'done' | 'failed' | 'timed_out';
  /** What it printed last, or how it ended. */
  readonly message: string | null;
}

/** Milliseconds for killing what did not end in time. */
const BUDGET = 2000;
/** How long the output of a command that has ended is waited for: a process that it left may hold it open. Milliseconds. */
const DRAIN = 200;
/** Of its output, for the last line. Characters. */
const TAIL = 2000;

/** Runs a command as ourselves; at its limit it is killed with everything it has started. Never rejects. */
export async function runCommand({ command, cwd, env, limit }: CommandRun): Promise<CommandEnd> {
  const [file, args] = programOf(command);
  const child = withUsualDescriptors(() =>
    spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  const itself = child.pid === undefined ? null : identify(child.pid);
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-TAIL);
    });
  }
  const drained = once(child, 'close').catch(() => undefined);
  const ended = endOf(child).then(async (end) => {
    await Promise.race([drained, pause(DRAIN)]); // what it said last may still be in the pipe
    return withLastLine(end, tail);
  });
  const late = new AbortController();
  const result = await Promise.race([ended, pause(limit, late.signal).then(() => null)]);
  late.abort();
  if (result === null && itself !== null) {
    const target = { process: itself, command: file, foundBy: ['main'] as const };
    await endProcesses([target], { grace: 0, budget: BUDGET, spare: () => false });
  }
  // Somebody it left behind may hold its output open: we do not wait for him.
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  return result ?? { reason: 'timed_out', message: `not done within ${limit} ms; it was killed` };
}

/** File and arguments: a text is for the shell. */
export function programOf(command: CommandRun['command']): readonly [string, readonly string[]] {
  const [file = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  return [file, args];
}

/** How a child ends; `message` null: with exit code 0. Never rejects. */
export function endOf(child: ChildProcess): Promise<CommandEnd> {
  return once(child, 'exit').then(
    ([code, signal]: unknown[]): CommandEnd => {
      if (code === 0) return { reason: 'done', message: null };
      return {
        reason: 'failed',
        message: typeof code === 'number' ? `exit code ${code}` : `ended by ${String(signal)}`,
      };
    },
    (error: NodeJS.ErrnoException): CommandEnd => ({
      reason: 'failed',
      message: `cannot be executed: ${error.message}`,
    }),
  );
}

function withLastLine({ reason, message }: CommandEnd, output: string): CommandEnd {
  const line = output.trimEnd().split('\n').at(-1)?.trim() || null;
  return { reason, message: [message, line].filter((part) => part !== null).join(': ') || null };
}
