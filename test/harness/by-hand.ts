import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestReeve } from './reeve.ts';
import { until } from './until.ts';

/** A program that a user starts in a terminal, in the project's folder, with no reeve above it. */
export interface ByHand extends AsyncDisposable {
  readonly pid: number;
  readonly output: () => string;
  /** Resolves with what it printed when it has said `open`. */
  readonly open: () => Promise<void>;
  /** Exit code or signal. */
  readonly ended: Promise<number | string>;
  kill(signal?: NodeJS.Signals): void;
}

export interface ByHandOptions {
  /** Default: the project's folder. */
  readonly cwd?: string;
  /** Added to the test's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `test/programs/announces` (or `argv`) by hand. Killed at the end, if it still lives. */
export function startByHand(
  reeve: TestReeve,
  wish: object | readonly string[],
  { cwd = reeve.folder, env: more = {} }: ByHandOptions = {},
): ByHand {
  const argv = Array.isArray(wish) ? (wish as readonly string[]) : reeve.program('announces', JSON.stringify(wish));
  const [file = '', ...args] = argv;
  const env = { ...process.env, REEVE_HOME: reeve.home, ...more };
  const child: ChildProcess = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => (code ?? signal) as number | string);
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid ?? 0,
    output: () => output,
    open: async () => {
      await until(`it is open; it printed ${output}`, () => /^open /m.test(output) || isOver());
      if (!/^open /m.test(output)) throw new Error(`it ended: ${output}`);
    },
    ended,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      if (!isOver()) child.kill('SIGKILL');
      await ended;
    },
  };
}
