import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type HomePaths, prepareHome } from '@reeve/host';
import { startKeeper } from '../platform/keeper-link-start.ts';
import type { DaemonOptions } from './daemon-options.ts';
import { takeDaemonLock } from './single-instance.ts';

/**
 * The life of a daemon: its home for itself, and then everything else (serve.ts). What is needed for that is read only
 * when the keeper is on its way: both take about as long to come up, and a service starts when both are there. A daemon
 * that then finds another one at work has done no harm: keepers have a lock of their own.
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const paths = prepareHome(options.home);
  const coming = hastenKeeper(options, paths);
  await using lock = await takeDaemonLock(paths);
  void lock;
  const { serve } = await import('./serve.ts');
  await serve({ ...options, paths, coming });
}

/** Null: one seems to be there. Whether it is there, and what to do if not, is for whoever connects to it. */
function hastenKeeper({ home, keeper, version }: DaemonOptions, { keeperSocket }: HomePaths): Promise<unknown> | null {
  if (existsSync(keeperSocket)) return null;
  const coming = startKeeper({ home, program: keeper, version });
  // Told by whoever connects; until then nobody listens.
  coming.catch(() => undefined);
  return coming;
}

/** The keeper lies beside the daemon in the built package. */
export function builtKeeper(from: string): readonly string[] {
  return [process.execPath, fileURLToPath(new URL('./keeper.js', from))];
}
