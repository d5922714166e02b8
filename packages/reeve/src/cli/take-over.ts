import { ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { endManual } from '../operations/stop/end-manual.ts';
import { callerOf } from './caller.ts';
import { type Context, say } from './context.ts';
import type { Target } from './project/target.ts';
import { runningByHand } from './stop-with-announced.ts';
import { oneLine } from './terminal/safe-text.ts';

export interface TakeOver {
  readonly client: ReeveClient;
  readonly target: Target;
  /** Services that are about to be started. */
  readonly services: readonly string[];
}

/**
 * Before reeve starts services: copies of them that somebody started by hand are ended in order (their control socket,
 * then signals), so that there is never a second one. Throws TAKE_OVER_FAILED when one stays.
 */
export async function takeOver(context: Context, { client, target, services }: TakeOver): Promise<void> {
  const byHand = services.length === 0 ? [] : await runningByHand(context, target, services, client);
  if (byHand.length === 0) return;
  const ended = await endManual(callerOf(context), byHand, { timeout: null, force: false, cleanUp: false });
  for (const { announced, survivors } of ended) {
    const { service, pid } = announced.card;
    const isLive = announced.liveness === 'live';
    const [left] = survivors;
    if (left) {
      throw new ReeveError('TAKE_OVER_FAILED', { name: service, pid: left.pid, why: oneLine(left.why) });
    }
    if (isLive) say(context, `${service} was started manually (pid ${pid}): stopped it; reeve now runs it`);
    else say(context, `${service} was started manually and had left processes behind: they were stopped`);
  }
}
