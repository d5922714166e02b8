import type { CallName, Calls } from '@reeve/contract';
import type { CallOptions, ReeveClient } from '@reeve/sdk';

/** How often a daemon that is at work is asked whether it still lives, and how long it may take to say so. Milliseconds. */
const EVERY = 5_000;
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
  const check = (): void => {
    client.call('ping', {}, { deadline: PATIENCE }).catch((error: unknown) => frozen.abort(error));
  };
  const timer = setInterval(check, EVERY);
  const signal = options.signal ? AbortSignal.any([options.signal, frozen.signal]) : frozen.signal;
  try {
    return await client.call(name, params, { ...options, signal, deadline: Number.POSITIVE_INFINITY });
  } finally {
    clearInterval(timer);
  }
}
