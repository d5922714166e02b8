import type { CallName, Calls } from '@reeve/contract';
import type { CallOptions, ReeveClient } from '@reeve/sdk';
import { isHalted } from './reach-daemon.ts';

/** How often a daemon that is at work is asked whether it still lives. Milliseconds. */
const EVERY = 2_000;
/** One that is stopped by a signal is given up after this, one that is busy only after the longer time. Milliseconds. */
const ANSWER = 1_000;
const PATIENCE = 15_000;

/**
 * A call that the daemon itself bounds (a stop, a wait): it may take as long as it takes, but not from a daemon that
 * has frozen. Throws as `call` does; DAEMON_UNREACHABLE (silent) when it no longer answers.
 */
export async function longCall<N extends CallName>(
  client: ReeveClient,
  name: N,
  params: Calls[N]['params'],
  options: Omit<CallOptions<N>, 'deadline'> = {},
): Promise<Calls[N]['ok']> {
  const frozen = new AbortController();
  let heard = performance.now();
  const check = async (): Promise<void> => {
    try {
      await client.call('ping', {}, { deadline: ANSWER });
      heard = performance.now();
    } catch (error) {
      if (isHalted(error) || performance.now() - heard >= PATIENCE) frozen.abort(error);
    }
  };
  const timer = setInterval(() => void check(), EVERY);
  const signal = options.signal ? AbortSignal.any([options.signal, frozen.signal]) : frozen.signal;
  try {
    return await client.call(name, params, { ...options, signal, deadline: Number.POSITIVE_INFINITY });
  } finally {
    clearInterval(timer);
  }
}
