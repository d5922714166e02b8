import type { RunSigns } from '@reeve/contract';
import type { HomePaths } from '@reeve/host';
import type { Announced } from '../../core/announced/announced.ts';
import type { ProjectRow } from '../../core/registry.ts';

/** What is known of a home: by the daemon that serves it, or without one by what the last one left behind. */
export interface World {
  readonly paths: Pick<HomePaths, 'home' | 'run'>;
  readonly projects: readonly ProjectRow[];
  /** Folder → names of its services. */
  readonly services: ReadonlyMap<string, readonly string[]>;
  /** Runs that are not over. */
  readonly runs: readonly RunSigns[];
  readonly announced: readonly Announced[];
  /** Pids of the daemon and the keepers of this home, as far as they are known by more than their marks. */
  readonly reeve: ReadonlySet<number>;
}
