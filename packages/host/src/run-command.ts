import { describeLeft, type exitOf, runLimited } from './run-limited.ts';
import { deadlineIn } from './timer.ts';

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

/** Runs a command as ourselves; at its limit it is killed with everything it has started. Never rejects. */
export async function runCommand({ command, cwd, env, limit }: CommandRun): Promise<CommandEnd> {
  const deadline = deadlineIn(limit);
  const end = await runLimited({ argv: programOf(command), cwd, env, signal: deadline.signal, leftovers: 'leave' });
  deadline.clear();
  const left = describeLeft(end.left);
  if (end.how === 'exited' || end.how === 'refused') return withLastLine(commandEnd(end), end.tail);
  if (end.how === 'unended') return { reason: 'failed', message: `not started: of the last time ${left}` };
  return { reason: 'timed_out', message: `not done within ${limit} ms; ${left === '' ? 'it was killed' : left}` };
}

/** A text is for the shell. */
export function programOf(command: CommandRun['command']): readonly string[] {
  return typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
}

/** `message` null: with exit code 0. */
export function commandEnd(end: Awaited<ReturnType<typeof exitOf>>): CommandEnd {
  if (end.how === 'refused') return { reason: 'failed', message: `cannot be executed: ${end.error.message}` };
  if (end.code === 0) return { reason: 'done', message: null };
  return { reason: 'failed', message: end.code === null ? `ended by ${end.by}` : `exit code ${end.code}` };
}

function withLastLine({ reason, message }: CommandEnd, output: string): CommandEnd {
  const line = output.trimEnd().split('\n').at(-1)?.trim() || null;
  return { reason, message: [message, line].filter((part) => part !== null).join(': ') || null };
}
