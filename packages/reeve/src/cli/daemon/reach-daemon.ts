import { type DaemonView, ReeveError } from '@reeve/contract';
import { type HomePaths, homePaths, liveHolder, pause, resolveHome, silentDaemon } from '@reeve/host';
import { ReeveClient } from '@reeve/sdk';
import { REEVE_VERSION } from '../../base/version.ts';
import { type Context, optionValue, say } from '../context.ts';
import { NO_DAEMON } from '../no-daemon.ts';

/** A daemon that is there has this long to answer. Milliseconds. */
const ANSWER = 10_000;
/** A command that only reads does not wait so long: it has the registry and the files. Milliseconds. */
const READ = 4_000;
/** Between two looks at a socket that is about to appear. Milliseconds. */
const AGAIN = 20;
/** After this a daemon that cannot answer (stopped by a signal) is not waited for any longer. Milliseconds. */
const FIRST = 1_000;
/** From nothing to a daemon that answers: it takes over what runs before it does. Milliseconds. */
const LAUNCH = 30_000;

export function pathsOf(context: Context): HomePaths {
  const explicit = optionValue(context, 'home') ?? undefined;
  return homePaths(resolveHome(context.io.env, explicit));
}

/** A client of the daemon if one runs; null otherwise. Throws when one is there and cannot be talked to. */
export async function connectIfRunning(context: Context, patience: number = ANSWER): Promise<ReeveClient | null> {
  try {
    const client = await connectPatiently(pathsOf(context), patience);
    nameOtherVersion(context, client.daemon.version);
    return client;
  } catch (error) {
    if (isNotThere(error)) return null;
    throw error;
  }
}

/** These say it themselves, or a shell reads their output. */
const SILENT: ReadonlySet<string> = new Set(['complete', 'daemon upgrade', 'daemon status', 'daemon stop']);
/** A command may connect more than once, and says it once. */
const named = new WeakSet<Context['io']>();

/** An upgraded command works with an older daemon, but not everything that is new does. */
function nameOtherVersion(context: Context, version: string): void {
  if (version === REEVE_VERSION || context.json || SILENT.has(context.args.command) || named.has(context.io)) return;
  named.add(context.io);
  say(
    context,
    `${context.talk.paint('yellow', '!')} this is reeve ${REEVE_VERSION}, and the daemon is version ${version}`,
  );
  say(context, `  ${context.talk.paint('bold', 'Fix:')} reeve daemon upgrade (services keep running)`);
}

/** Throws DAEMON_UNREACHABLE: at once when none is there, soon when the daemon is halted, at the end of `patience` else. */
async function connectPatiently(
  { home, controlSocket, daemonLock }: HomePaths,
  patience: number,
): Promise<ReeveClient> {
  const until = performance.now() + patience;
  for (;;) {
    const left = Math.max(1, until - performance.now());
    try {
      return await ReeveClient.connect({ socket: controlSocket, home, deadline: Math.min(FIRST, left) });
    } catch (error) {
      if (isSilent(error)) {
        if (isHalted(error) || left <= FIRST) throw error;
      } else {
        const holder = isNotThere(error) ? liveHolder(daemonLock) : null;
        if (holder === null) throw error;
        // It is starting, or its socket was removed: it makes it again at its next beat.
        if (holder.isHalted || left === 1) throw silentDaemon(home, `nothing is listening at ${controlSocket}`);
        await pause(AGAIN);
      }
    }
  }
}

/** The daemon as a command that only reads finds it. */
export interface Reading extends AsyncDisposable {
  /** null: none runs, or it does not answer; `daemon` says which. */
  readonly client: ReeveClient | null;
  readonly daemon: DaemonView;
}

/** For a command that only reads: a daemon that does not answer is as good as none, and is reported. */
export async function connectToRead(context: Context): Promise<Reading> {
  try {
    const client = await connectIfRunning(context, READ);
    const close = async () => client?.close();
    return { client, daemon: daemonView(client), [Symbol.asyncDispose]: close };
  } catch (error) {
    if (!isSilent(error)) throw error;
    return { client: null, daemon: silentView(error), [Symbol.asyncDispose]: async () => {} };
  }
}

export function daemonView(client: ReeveClient | null): DaemonView {
  if (!client) return NO_DAEMON;
  return { running: true, pid: client.daemon.pid, version: client.daemon.version, problems: [] };
}

function silentView(error: ReeveError): DaemonView {
  const { pid } = error.params;
  const problem = { code: 'daemon_silent', message: error.message, hint: error.hint } as const;
  return { running: true, pid: typeof pid === 'number' ? pid : null, version: null, problems: [problem] };
}

/** A daemon is there, and a signal or a debugger keeps it from running: waiting does not help. */
export function isHalted(error: unknown): boolean {
  return isSilent(error) && error.params['halted'] === 'yes';
}

export function isSilent(error: unknown): error is ReeveError {
  return error instanceof ReeveError && error.code === 'DAEMON_UNREACHABLE' && error.params['how'] === 'silent';
}

function isNotThere(error: unknown): boolean {
  if (!(error instanceof ReeveError) || error.code !== 'DAEMON_UNREACHABLE') return false;
  return ['absent', 'refused', 'broken'].includes(String(error.params['how']));
}

/** The connection went away in the middle: the daemon ended, or was killed. */
export function isLost(error: unknown): boolean {
  return error instanceof ReeveError && error.code === 'DAEMON_UNREACHABLE';
}

/** A client of the daemon, which is started when there is none. */
export async function connectOrStart(context: Context, deadline: number = LAUNCH): Promise<ReeveClient> {
  const running = await connectIfRunning(context);
  if (running) return running;
  // Only now: starting processes costs more to load than most commands need altogether.
  const { startDaemon } = await import('./start-daemon.ts');
  return startDaemon({ home: pathsOf(context).home, program: context.io.daemon, env: context.io.env, deadline });
}
