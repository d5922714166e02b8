import { ReeveError } from '@reeve/contract';
import { pause } from '@reeve/host';
import { ReeveClient } from '@reeve/sdk';
import { type LaunchOptions, launchDaemon } from './launch-daemon.ts';

/** Between two looks at a socket that is about to appear. Milliseconds. */
const PAUSE = 20;
/**
 * How long a daemon that another started may take to answer before we try to start one again: it may have been on its
 * way out. Doubles each time, since it may also be one of many starts at once. Milliseconds.
 */
const PATIENCE = 250;

export interface ConnectOrLaunchOptions extends LaunchOptions {
  /** Path of the control socket. */
  readonly socket: string;
}

/**
 * A client of the home's daemon, which is started when there is none. Any number of callers at once get one daemon: it
 * is the daemon's own lock that decides. A daemon that is there and does not answer is not doubled: DAEMON_UNREACHABLE.
 */
export async function connectOrLaunch(options: ConnectOrLaunchOptions): Promise<ReeveClient> {
  const until = performance.now() + options.deadline;
  for (let patience = PATIENCE; ; patience *= 2) {
    const there = await tryConnect(options, until);
    if (there instanceof ReeveClient) return there;
    if (performance.now() >= until) throw there;
    await launchDaemon({ ...options, deadline: left(until) });
    const after = await connectSoon(options, until, Math.min(until, performance.now() + patience));
    if (after) return after;
  }
}

function left(until: number): number {
  return Math.max(1, until - performance.now());
}

/** The client, or why there is none when that means that no daemon runs. Throws everything else. */
async function tryConnect(options: ConnectOrLaunchOptions, until: number): Promise<ReeveClient | ReeveError> {
  try {
    return await ReeveClient.connect({ socket: options.socket, home: options.home, deadline: left(until) });
  } catch (error) {
    if (isNotThere(error)) return error;
    throw error;
  }
}

/** `broken`: it was ending just as we came. */
function isNotThere(error: unknown): error is ReeveError {
  if (!(error instanceof ReeveError) || error.code !== 'DAEMON_UNREACHABLE') return false;
  return ['absent', 'refused', 'broken'].includes(String(error.params.how));
}

/** Tries again while nothing is listening, until `patience` is over; null then. */
async function connectSoon(
  options: ConnectOrLaunchOptions,
  until: number,
  patience: number,
): Promise<ReeveClient | null> {
  for (;;) {
    const there = await tryConnect(options, until);
    if (there instanceof ReeveClient) return there;
    if (performance.now() >= patience) return null;
    await pause(PAUSE);
  }
}
