import { setImmediate } from 'node:timers/promises';
import { ReeveError } from '@reeve/contract';
import type { Dependencies } from '../dependencies.ts';

/** Keepers that may die one after the other with the request in their hands. */
const MOST_KEEPERS = 5;

/** The keeper lets go of a run. One that dies with the request is followed by another, which holds the run again. */
export async function releaseRun({ keeper }: Pick<Dependencies, 'keeper'>, run: string): Promise<void> {
  for (let left = MOST_KEEPERS; ; left--) {
    try {
      return await (await keeper(run)).release(run);
    } catch (error) {
      if (left === 1 || !(error instanceof ReeveError && error.code === 'KEEPER_LOST')) throw error;
      await setImmediate(); // until the loss is known to the code that replaces it
    }
  }
}
