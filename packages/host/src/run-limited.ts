import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { ProcessIdentity } from '@reeve/contract';
import { type Ending, endProcesses, type Target } from './end-processes.ts';
import { bootId, isSame } from './linux/identity.ts';
import { isLiveState, readStat } from './linux/proc-stat.ts';
import { commandOf, identityOf, scanStats } from './linux/process-table.ts';
import { withUsualDescriptors } from './linux/usual-descriptors.ts';
import { pause } from './timer.ts';

export interface LimitedCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** As whom it runs; absent: as ourselves. */
  readonly user?: { readonly uid: number; readonly gid: number } | null;
  /** Its limit: when aborted, the command is killed with everything it has started. */
  readonly signal: AbortSignal;
  /** Of which descriptor everything is kept, and how many bytes at most: a command that prints more is killed. */
  readonly result?: { readonly fd: 1 | 3; readonly most: number };
  /** What becomes of processes that it leaves in its session when it ends. */
  readonly leftovers: 'leave' | 'end';
  /** Milliseconds for killing. */
  readonly budget?: number;
}

type Ended =
  | { readonly how: 'exited'; readonly code: number | null; readonly by: string | null }
  | { readonly how: 'refused'; readonly error: NodeJS.ErrnoException }
  /** `unended`: not started, because an earlier copy is still running and could not be killed. */
  | { readonly how: 'stopped' | 'too_much' | 'unended' };

export type LimitedEnd = Ended & {
  readonly result: string;
  /** The last that it printed, on stdout and stderr. */
  readonly tail: string;
  /** What is still running although it was to be killed. */
  readonly left: readonly Ending[];
};

const BUDGET = 2_000;
/** How long the output of a command that has ended is waited for: a process it left may hold it open. Milliseconds. */
const DRAIN = 200;
/** Characters. */
const TAIL = 4_096;

/** What could not be killed, by command. */
const unended = new Map<string, readonly Ending[]>();

/**
 * Runs a command as the leader of a session of its own, up to its limit. The one place where reeve executes a command
 * of the user's and waits for it: whatever the command does, becoming root included, is an answer. Never rejects.
 */
export async function runLimited(command: LimitedCommand): Promise<LimitedEnd> {
  const key = keyOf(command);
  const before = stillThere(key);
  if (before.length > 0) return { how: 'unended', result: '', tail: '', left: before };
  const child = start(command);
  if (child instanceof Error) return { how: 'refused', error: child, result: '', tail: '', left: [] };
  const itself = identityAt(child.pid);
  const kept = keepOutput(child, command.result);
  const drained = once(child, 'close').catch(() => undefined);
  const end = await Promise.race([exitOf(child), aborted(command.signal), kept.overflow]);
  const left = itself === null ? [] : await endLeftovers(end, itself, command);
  if (left.length > 0) unended.set(key, left);
  if (end.how === 'exited') await heard(drained);
  release(child);
  return { ...end, result: kept.result(), tail: kept.tail(), left };
}

/** How a child ends, or why it could not be started. Never rejects. */
export function exitOf(child: ChildProcess): Promise<Extract<Ended, { readonly how: 'exited' | 'refused' }>> {
  return once(child, 'exit').then(
    ([code, by]: unknown[]) => ({ how: 'exited', code: code as number | null, by: by as string | null }) as const,
    (error: NodeJS.ErrnoException) => ({ how: 'refused', error }) as const,
  );
}

/** `pid 12 (sleep 1000) is still running: it belongs to root: not permitted to signal it`. */
export function describeLeft(left: readonly Ending[]): string {
  const [first] = left;
  if (first === undefined) return '';
  const more = left.length > 1 ? `, and ${left.length - 1} more` : '';
  return `pid ${first.process.pid} (${first.command.slice(0, 80)}) is still running${more}: ${first.left ?? ''}`;
}

/** The same command of the same service; each start of a service has another run. */
function keyOf({ argv, cwd, env, user }: LimitedCommand): string {
  const service = ['REEVE_PROJECT_FOLDER', 'REEVE_SERVICE', 'REEVE_INSTANCE'].map((name) => env[name]);
  return JSON.stringify([argv, cwd, user?.uid, service]);
}

function stillThere(key: string): readonly Ending[] {
  const left = (unended.get(key) ?? []).filter((each) => isSame(each.process));
  if (left.length === 0) unended.delete(key);
  return left;
}

/** Some refusals of the system (a user that we may not become, arguments too long) are thrown, others emitted. */
function start({ argv, cwd, env, user, result }: LimitedCommand): ChildProcess | NodeJS.ErrnoException {
  const [file = '', ...args] = argv;
  try {
    const stdio = ['ignore', 'pipe', 'pipe', ...(result?.fd === 3 ? ['pipe' as const] : [])] as const;
    const as = user && { uid: user.uid, gid: user.gid };
    return withUsualDescriptors(() => spawn(file, args, { cwd, env, detached: true, stdio: [...stdio], ...as }));
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

/** Not reaped yet, so the number is its own, also when it has ended already. */
function identityAt(pid: number | undefined): ProcessIdentity | null {
  const stat = pid === undefined ? null : readStat(pid);
  return stat && { boot: bootId(), pid: stat.pid, start: stat.start };
}

interface Kept {
  readonly overflow: Promise<{ readonly how: 'too_much' }>;
  readonly result: () => string;
  readonly tail: () => string;
}

/** Everything is read, so that the command never blocks on a full pipe. */
function keepOutput(child: ChildProcess, result: LimitedCommand['result']): Kept {
  const chunks: Buffer[] = [];
  let tail = '';
  let size = 0;
  const overflow = new Promise<{ readonly how: 'too_much' }>((resolve) => {
    if (!result) return;
    const stream = child.stdio[result.fd] as Readable | null;
    stream?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= result.most) chunks.push(chunk);
      else resolve({ how: 'too_much' });
    });
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString('utf8')).slice(-TAIL);
    });
  }
  for (const stream of child.stdio) stream?.on('error', () => undefined);
  return { overflow, result: () => Buffer.concat(chunks).toString('utf8'), tail: () => tail };
}

function aborted(signal: AbortSignal): Promise<{ readonly how: 'stopped' }> {
  return new Promise((resolve) => {
    const stop = (): void => resolve({ how: 'stopped' });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** Returns what is still there. */
async function endLeftovers(
  end: Ended,
  leader: ProcessIdentity,
  { argv, leftovers, budget = BUDGET }: LimitedCommand,
): Promise<readonly Ending[]> {
  const isOver = end.how === 'exited' || end.how === 'refused';
  if (isOver && leftovers === 'leave') return [];
  const targets: readonly Target[] = isOver
    ? inSessionOf(leader)
    : [{ process: leader, command: argv.join(' '), foundBy: ['main'] }];
  if (targets.length === 0) return [];
  const endings = await endProcesses(targets, { grace: 0, budget, spare: ({ pid }) => pid === process.pid });
  return endings.filter(({ left, process: { pid } }) => left !== null && readStat(pid) !== null);
}

/** What a leader that was reaped has left in its session. No other process gets its number while that has members. */
function inSessionOf({ pid, start }: ProcessIdentity): readonly Target[] {
  if (!groupExists(pid)) return [];
  const live = scanStats().filter(isLiveState);
  if (live.some((stat) => stat.pid === pid && stat.start !== start)) return [];
  return live.flatMap((stat): readonly Target[] => {
    const process = stat.session === pid && stat.start >= start ? identityOf(stat) : null;
    return process === null ? [] : [{ process, command: commandOf(stat), foundBy: ['session'] }];
  });
}

/** A quick look, since most commands leave nothing. */
function groupExists(leader: number): boolean {
  try {
    process.kill(-leader, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What it said last may still be in the pipe, also after the loop was blocked: one turn reads what lies there. */
async function heard(drained: Promise<unknown>): Promise<void> {
  await Promise.race([drained, pause(DRAIN)]);
  await new Promise((resolve) => setImmediate(resolve));
}

/** A process that it left may hold its output open, and is not waited for. */
function release(child: ChildProcess): void {
  for (const stream of child.stdio) stream?.destroy();
  child.unref();
}
