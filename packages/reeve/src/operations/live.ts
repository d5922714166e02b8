import type { Requester } from '@reeve/contract';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { audited } from './audited.ts';
import type { StopThese } from './kill/carry-out.ts';
import { hunt } from './kill/hunt.ts';
import { kill } from './kill/kill.ts';
import type { Operations } from './operation-types.ts';
import { signalMain } from './project/signal-main.ts';
import { liveWorld } from './read/live-world.ts';
import type { World } from './read/world.ts';
import { applyProject, type GuardPlace } from './start/apply-project.ts';
import { restartServices, startServices } from './start/start-services.ts';
import type { Caller } from './stop/end-manual.ts';
import { stopEverything } from './stop/stop-project.ts';
import { cleanUpProject, stopServices, takeDown } from './stop/stop-services.ts';

export interface LivePlace extends GuardPlace {
  /** Pids of the keepers. */
  readonly keepers: () => readonly number[];
}

/** What the verbs mean where a daemon runs: every translator (socket, later HTTP) calls these. */
export function liveOperations(supervisor: Supervisor, place: LivePlace): Operations {
  const world = (): Promise<World> => liveWorld(supervisor, place.paths, place.keepers());
  const callerOf = ({ pid }: Requester): Caller => ({ paths: place.paths, environment: {}, pid });
  return audited(supervisor, {
    apply: (params, { requester }) => applyProject(supervisor, place, params, requester),
    start: (params, { requester }) => startServices(supervisor, params, requester),
    restart: async (params, { requester }) => restartServices(supervisor, params, requester),
    stop: async (params, call) => ({ receipt: await stopServices(supervisor, params, call) }),
    cleanup: async (params, { requester }) => ({ receipt: await cleanUpProject(supervisor, params, { requester }) }),
    down: async (params, call) => ({ receipt: await takeDown(supervisor, place.paths, params, call) }),
    signal: async ({ project, service, signal }) => ({
      pid: signalMain(supervisor.find(project), service, signal),
    }),
    hunt: async ({ query }, { requester }) => ({ processes: hunt(await world(), query, requester.pid) }),
    kill: async (params, { requester, push }) =>
      kill({ world: await world(), caller: callerOf(requester), stop: stopsFor(supervisor, requester) }, params, push),
    stopAll: (requester) => stopEverything(supervisor, requester),
  });
}

function stopsFor(supervisor: Supervisor, requester: Requester): StopThese {
  return (stops, timeout, push) =>
    Promise.all(
      stops.map(({ folder, services }) =>
        stopServices(supervisor, { project: { folder }, services, timeout, force: false }, { requester, push }),
      ),
    );
}
