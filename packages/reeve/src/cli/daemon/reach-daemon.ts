import { ReeveError } from '@reeve/contract';
import { type HomePaths, homePaths, resolveHome } from '@reeve/host';
import { ReeveClient } from '@reeve/sdk';
import { type Context, optionValue } from '../context.ts';

/** A daemon that is there has this long to answer. Milliseconds. */
const ANSWER = 10_000;
/** From nothing to a daemon that answers: it takes over what runs before it does. Milliseconds. */
const LAUNCH = 30_000;

export function pathsOf(context: Context): HomePaths {
  const explicit = optionValue(context, 'home') ?? undefined;
  return homePaths(resolveHome(context.io.env, explicit), context.io.env);
}

/** A client of the daemon if one runs; null otherwise. Throws when one is there and cannot be talked to. */
export async function connectIfRunning(context: Context): Promise<ReeveClient | null> {
  const { home, controlSocket } = pathsOf(context);
  try {
    return await ReeveClient.connect({ socket: controlSocket, home, deadline: ANSWER });
  } catch (error) {
    if (isNotThere(error)) return null;
    throw error;
  }
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
