import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { DAEMON_MARK, ERRORS, type ErrorCode, type Params, ReeveError } from '@reeve/contract';
import { after } from '@reeve/host';
import { humanDuration } from '../terminal/amounts.ts';

/** A report longer than this is none. Characters. */
const REPORT = 64 << 10;
/** What is said of a daemon that died. */
const LAST_LINES = 5;
/** Older complaints are dropped beyond this. Bytes. */
const ERR_SIZE = 1 << 20;

export interface LaunchOptions {
  /** Folder that exists and is ours (packages/host, prepareHome). */
  readonly home: string;
  /** argv of the daemon. */
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds until it must have said that it is ready. */
  readonly deadline: number;
}
/** `running`: another daemon already holds the home; that is what the caller wanted. */
export type Launched = 'started' | 'running';

/**
 * Starts the daemon in a session of its own, without a terminal, its standard error in `daemon.err`, and waits for the
 * line that it writes on fd 3 once it answers (daemon/upgrade/report-ready.ts). Throws what the daemon reports, or
 * DAEMON_UNREACHABLE with its last words. A daemon that is late is left running: killing it would only make the next
 * start as late.
 */
export async function launchDaemon(options: LaunchOptions): Promise<Launched> {
  const complaints = openComplaints(join(options.home, 'daemon.err'));
  try {
    const child = start(options, complaints.fd);
    try {
      return judge(await firstReport(child, options), complaints.since(), options.home);
    } finally {
      child.stdio[3]?.destroy();
      child.removeAllListeners();
      child.on('error', () => undefined);
      child.unref();
    }
  } finally {
    closeSync(complaints.fd);
  }
}

function start({ program, env, home }: LaunchOptions, stderr: number): ChildProcess {
  const [command = '', ...args] = program;
  return spawn(command, args, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', stderr, 'pipe'],
    env: { ...daemonEnvironment(env), REEVE_HOME: home, [DAEMON_MARK]: '1', REEVE_READY_FD: '3' },
  });
}

/**
 * What of the caller's environment a daemon gets. It lives for weeks and on behalf of every project: what belongs to
 * one caller (npm's variables, a service's own REEVE_RUN, the IPC channel of a parent Node) must not stick to it.
 */
function daemonEnvironment(env: LaunchOptions['env']): Record<string, string> {
  const kept = Object.entries(env).filter((entry): entry is [string, string] => {
    const [name, value] = entry;
    if (value === undefined) return false;
    return KEPT.has(name) || !(DROPPED.has(name) || DROPPED_PREFIX.test(name));
  });
  return Object.fromEntries(kept);
}
const KEPT = new Set(['REEVE_HOME', 'REEVE_PORT', 'REEVE_TRACKERS_OFF']);
const DROPPED = new Set([
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'NOTIFY_SOCKET',
  'NODE_UNIQUE_ID',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
]);
const DROPPED_PREFIX = /^(npm_|REEVE_|NODE_CHANNEL_|LISTEN_)/;

/** How the start ended, as far as it can be seen from here. */
type Report =
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'late'; readonly why: string };

function firstReport(child: ChildProcess, { program, deadline }: LaunchOptions): Promise<Report> {
  return new Promise((resolve) => {
    const late = `it was started (pid ${child.pid}) but was not ready after ${humanDuration(deadline)}`;
    const timer = after(deadline, () => settle({ kind: 'late', why: late }));
    const settle = (report: Report): void => {
      timer.cancel();
      resolve(report);
    };
    let text = '';
    const pipe = child.stdio[3] as Readable | null;
    pipe?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const end = text.indexOf('\n');
      if (end !== -1) settle({ kind: 'line', line: text.slice(0, end) });
      else if (text.length > REPORT) settle({ kind: 'failed', why: 'its report was cut off' });
    });
    pipe?.on('error', () => undefined);
    child.on('error', (error: NodeJS.ErrnoException) =>
      settle({ kind: 'failed', why: `cannot run ${program[0]}: ${error.code ?? error.message}` }),
    );
    // 'close', not 'exit': what it wrote on fd 3 before it ended has been read by then.
    child.on('close', (code, signal) =>
      settle({ kind: 'failed', why: `it ended with ${code ?? signal} before it was ready` }),
    );
  });
}

function judge(report: Report, complaints: string, home: string): Launched {
  if (report.kind === 'line') {
    if (report.line === 'ready') return 'started';
    const error = parseError(report.line);
    if (error?.code === 'DAEMON_RUNNING') return 'running';
    if (error) throw error;
  }
  const why = report.kind === 'line' ? `it reported "${report.line.slice(0, 200)}"` : report.why;
  const words = report.kind === 'failed' ? lastLines(complaints) : '';
  throw new ReeveError('DAEMON_UNREACHABLE', { home, why: `${why}${words && `: ${words}`}`, how: 'failed' });
}

function parseError(line: string): ReeveError | null {
  if (!line.startsWith('error ')) return null;
  try {
    const { code, params } = JSON.parse(line.slice(6)) as { code: string; params: Params };
    return Object.hasOwn(ERRORS, code) ? new ReeveError(code as ErrorCode, params) : null;
  } catch {
    return null;
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-LAST_LINES).join('\n').slice(-2000);
}

/** Opened to append: several launchers may write to it at once. `since` is what came after now. */
function openComplaints(path: string): { fd: number; since: () => string } {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
  const fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  if (fstatSync(fd).size > ERR_SIZE) ftruncateSync(fd);
  const begin = fstatSync(fd).size;
  return { fd, since: () => readFileSync(path).subarray(begin).toString('utf8') };
}
