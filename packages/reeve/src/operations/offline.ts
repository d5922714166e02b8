import type { StopThese } from './kill/carry-out.ts';
import { hunt } from './kill/hunt.ts';
import { kill } from './kill/kill.ts';
import type { OfflineVerb, Operations } from './operation-types.ts';
import { announcedIn } from './read/announced.ts';
import type { World } from './read/world.ts';
import type { Caller } from './stop/end-manual.ts';
import { forgetCards } from './stop/started-manually.ts';
import { stopAllManual, stopManual } from './stop/stop-manual.ts';

export interface OfflinePlace {
  /** Looked at anew by each operation. */
  readonly world: () => Promise<World>;
  readonly caller: Caller;
  /** Only a daemon can stop what reeve runs: this starts one. Throws DAEMON_UNREACHABLE and the like. */
  readonly stop: StopThese;
}

/** What the verbs mean where no daemon runs, or the one that runs does not answer. Nothing is audited: only a daemon writes. */
export function offlineOperations({ world, caller, stop }: OfflinePlace): Pick<Operations, OfflineVerb> {
  return {
    hunt: async ({ query }) => ({ processes: hunt(await world(), query, caller.pid) }),
    kill: async (params, { push }) => kill({ world: await world(), caller, stop }, params, push),
    stop: async ({ project, services, timeout, force }) => ({
      receipt: await stopManual(caller, project, services, { timeout, force }),
    }),
    stopAll: async ({ timeout, force }) => ({
      receipts: await stopAllManual(caller, { timeout, force }, Promise.resolve([])),
    }),
    down: async ({ project, timeout }) => {
      const receipt = await stopManual(caller, project, [], { timeout, force: false });
      if (receipt.status === 'COMPLETE') forgetCards(announcedIn(caller.paths, project));
      return { receipt };
    },
  };
}
