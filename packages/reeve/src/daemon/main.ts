import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ReeveError } from '@reeve/contract';
import { adoptLock, type HomePaths, homePaths, type Lock, outlastFormerHolders, prepareHome } from '@reeve/host';
import { startKeeper } from '../platform/keeper-link-start.ts';
import { keeperLabel, keeperPlace, keeperPlaces } from './keepers/places.ts';
import type { DaemonOptions } from './options.ts';
import { takeDaemonLock } from './single-instance.ts';
import { type HandOver, handOver } from './upgrade/hand-over.ts';
import { isSuccessor, LOCK_FD } from './upgrade/protocol.ts';

/**
 * The life of a daemon: its home for itself, and then everything else (serve.ts). What is needed for that is read only
 * when the keeper is on its way: both take about as long to come up, and a service starts when both are there. A daemon
 * that then finds another one at work has done no harm: keepers have a lock of their own.
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const paths = prepareHome(options.home);
  if (isSuccessor()) return succeed(options, paths);
  const coming = hastenKeeper(options, paths);
  await using lock = await takeDaemonLock(paths);
  await outlastFormerHolders(lock.path);
  await reign({ ...options, lock, coming }, paths);
}

/** Takes over from a daemon that runs. The lock is shared with it until this one serves: it must not be freed before. */
async function succeed(options: DaemonOptions, paths: HomePaths): Promise<void> {
  const { awaitTurn } = await import('./upgrade/as-successor.ts');
  await awaitTurn(paths, options.keeper);
  const lock = adoptLock(paths.daemonLock, LOCK_FD);
  let isOurs = false as boolean; // set in a callback, which the compiler does not see
  const onReady = async (): Promise<void> => {
    isOurs = true;
    await options.onReady();
  };
  try {
    await reign({ ...options, lock, coming: null, onReady }, paths);
  } finally {
    if (isOurs) await lock.release();
    else lock.giveAway();
  }
}

interface Reign extends DaemonOptions {
  readonly lock: Lock;
  readonly coming: Promise<unknown> | null;
}

/** Serves until it ends, or until a successor serves; keeps serving after one that could not. */
async function reign(options: Reign, paths: HomePaths): Promise<void> {
  const { serve } = await import('./serve.ts');
  let end = await serve({ ...options, paths });
  while (end !== null) {
    const failure = await handOver(end, options.lock);
    if (failure === null) return;
    end = await goOn({ ...options, coming: null }, paths, end, failure);
  }
}

/** The client that asked for the upgrade hears of its failure when the old daemon answers again. */
async function goOn(
  options: Reign,
  paths: HomePaths,
  { reject, log }: HandOver,
  failure: ReeveError,
): Promise<HandOver | null> {
  const { serve } = await import('./serve.ts');
  try {
    return await serve({ ...options, paths, log, onReady: () => reject(failure) });
  } catch (error) {
    reject(failure);
    throw error;
  }
}

/** Null: one seems to be there. Whether it is there, and what to do if not, is decided by the code that connects to it. */
function hastenKeeper({ keeper, version }: DaemonOptions, { home }: HomePaths): Promise<unknown> | null {
  const [{ folder } = keeperPlace(home, 0)] = keeperPlaces(home);
  if (existsSync(homePaths(folder).keeperSocket)) return null;
  const coming = startKeeper({ home: folder, program: keeper, version: keeperLabel(version, keeper) });
  // Reported by the code that connects; until then nothing is listening.
  coming.catch(() => undefined);
  return coming;
}

/** The keeper lies beside the daemon in the built package. */
export function builtKeeper(from: string): readonly string[] {
  return [process.execPath, fileURLToPath(new URL('./keeper.js', from))];
}
