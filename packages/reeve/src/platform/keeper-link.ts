import { ReeveError } from '@reeve/contract';
import { homePaths, pause } from '@reeve/host';
import type { Keeper } from '../core/interfaces.ts';
import { type KeeperLinkOptions, openConnection } from './keeper-link-connection.ts';
import { startKeeper } from './keeper-link-start.ts';

export type { KeeperLinkOptions } from './keeper-link-connection.ts';

/** How long to look for a keeper (ms), and how often while another starter's one is coming up. */
const DEADLINE = 20_000;
const AGAIN = 10;

/**
 * The keeper of a home: connects to the one that runs, else starts one. Two starters at the same moment get the same
 * keeper: its lock decides, and the loser connects to the winner's. Throws ReeveError SPAWN_FAILED, TIMED_OUT,
 * PROTOCOL_MISMATCH or KEEPER_LOST.
 */
export async function connectKeeper(options: KeeperLinkOptions): Promise<Keeper> {
  const { keeperSocket } = homePaths(options.home);
  const deadline = Date.now() + DEADLINE;
  for (let held = false; Date.now() < deadline; ) {
    const link = await openConnection(keeperSocket, options);
    if (link !== null) return link;
    if (held) await pause(AGAIN);
    held = (await startKeeper(options)) === 'held';
  }
  throw new ReeveError('TIMED_OUT', {
    message: `a keeper holds ${homePaths(options.home).keeperLock} and does not answer`,
    hint: `its log: ${homePaths(options.home).keeper}/keeper.log`,
  });
}
