import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { ActionOutcome, AnnouncedAction, Announcement, ServicePort } from '@reeve/contract';
import { isListenedOn } from '../manager/listening.ts';
import { withoutMark } from '../manager/ownership.ts';

/** A start that says nothing counts when it has lived this long. Milliseconds. */
const LIVES = 1000;
const START_TIMEOUT = 30_000;
const LOOK = 50;

export interface ActionContext {
  /** Where its commands run. */
  readonly cwd: string;
  readonly method: (() => unknown) | null;
  /** Milliseconds; null: the announced or default limit. */
  readonly timeout: number | null;
}

/** Runs the announced clean-up: its method here, or its command in a process group that ends at the limit. Never rejects. */
export async function runCleanup(announcement: Announcement | null, context: ActionContext): Promise<ActionOutcome> {
  const limit = context.timeout ?? announcement?.cleanup_timeout ?? 0;
  return run(announcement?.cleanup ?? null, context, limit, (command) =>
    commandEnds(launch(command, context.cwd, 'pipe'), limit),
  );
}

/**
 * Runs the announced start. A command has started what it should when it ends with 0, when every announced port is
 * listened on, or, with no ports, when it has lived for a second. It goes on when we end. Never rejects.
 */
export async function runStart(announcement: Announcement | null, context: ActionContext): Promise<ActionOutcome> {
  const limit = context.timeout ?? START_TIMEOUT;
  const ports = announcement?.ports ?? [];
  return run(announcement?.start ?? null, context, limit, (command) =>
    // No pipe: what goes on when we end would die of it.
    commandStarts(launch(command, context.cwd, 'ignore'), ports, limit),
  );
}

type Result = Pick<ActionOutcome, 'reason' | 'message'>;

async function run(
  action: AnnouncedAction | null,
  { method }: ActionContext,
  limit: number,
  runCommand: (command: string | readonly string[]) => Promise<Result>,
): Promise<ActionOutcome> {
  const began = performance.now();
  const result = await runAny(action, method, limit, runCommand);
  return { ok: result.reason === 'done', ...result, ms: Math.round(performance.now() - began) };
}

async function runAny(
  action: AnnouncedAction | null,
  method: (() => unknown) | null,
  limit: number,
  runCommand: (command: string | readonly string[]) => Promise<Result>,
): Promise<Result> {
  if (action?.kind === 'command') return runCommand(action.command);
  if (action === null || method === null) return { reason: 'not_announced', message: null };
  try {
    const work = (async () => await method())();
    work.catch(() => undefined); // when it fails after its time is over
    const late = pause(limit, 'late', { ref: false });
    if ((await Promise.race([work, late])) !== 'late') return { reason: 'done', message: null };
    return { reason: 'timed_out', message: `not done within ${limit} ms` };
  } catch (error) {
    return { reason: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

interface Running {
  readonly child: ChildProcess;
  /** Exit code, or the name of a signal or system error. */
  readonly ended: Promise<number | string>;
  readonly lastLine: () => string | null;
}

function launch(command: string | readonly string[], cwd: string, output: 'pipe' | 'ignore'): Running {
  const [file = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const child = spawn(file, args, {
    cwd,
    detached: true,
    env: withoutMark(process.env),
    stdio: ['ignore', output, output],
  });
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-2000);
    });
  }
  const ended = once(child, 'exit').then(
    ([code, signal]: unknown[]) => (typeof code === 'number' ? code : String(signal)),
    (error: NodeJS.ErrnoException) => error.message,
  );
  return { child, ended, lastLine: () => tail.trim().split('\n').pop() || null };
}

async function commandEnds({ child, ended, lastLine }: Running, limit: number): Promise<Result> {
  const result = await Promise.race([ended, pause(limit, 'late', { ref: false })]);
  if (result !== 'late') return judgeEnd(result, lastLine());
  killGroup(child);
  return { reason: 'timed_out', message: `not done within ${limit} ms` };
}

async function commandStarts(
  { child, ended, lastLine }: Running,
  ports: readonly ServicePort[],
  limit: number,
): Promise<Result> {
  const began = performance.now();
  const looked = { end: null as number | string | null };
  void ended.then((result) => {
    looked.end = result;
  });
  for (;;) {
    const lived = performance.now() - began;
    if (looked.end !== null) return judgeEnd(looked.end, lastLine());
    if (ports.length > 0 ? ports.every(({ port, protocol }) => isListenedOn(port, protocol)) : lived > LIVES) break;
    if (lived > limit) return { reason: 'timed_out', message: `its ports are not listened on after ${limit} ms` };
    await pause(LOOK);
  }
  child.unref();
  return { reason: 'done', message: null };
}

function judgeEnd(result: number | string, line: string | null): Result {
  if (result === 0) return { reason: 'done', message: line };
  const how = typeof result === 'number' ? `exit code ${result}` : result;
  return { reason: 'failed', message: line === null ? how : `${how}: ${line}` };
}

/** Its own group, and our child, not yet waited for: the number cannot belong to anybody else. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
