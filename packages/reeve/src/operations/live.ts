import type { Requester } from '@reeve/contract';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { audited } from './audited.ts';
import type { StopThese } from './kill/carry-out.ts';
import { hunt } from './kill/hunt.ts';
import { kill } from './kill/kill.ts';
import { liveLogs } from './logs/live-logs.ts';
import type { Operations } from './operation-types.ts';
import { signalMain } from './project/signal-main.ts';
import { liveWorld } from './read/live-world.ts';
import type { World } from './read/world.ts';
import { applyProject, type GuardPlace } from './start/apply-project.ts';
import { planProject } from './start/plan-project.ts';
import { restartServices, startServices } from './start/start-services.ts';
import type { Caller } from './stop/end-manual.ts';
import { stopEverything } from './stop/stop-project.ts';
import { cleanUpProject, type StopCall, stopHome, stopServices } from './stop/stop-services.ts';
import { takeDown } from './stop/take-down.ts';

export interface LivePlace extends GuardPlace {
  /** Pids of the keepers. */
  readonly keepers: () => readonly number[];
}

/** What the verbs mean where a daemon runs: every translator (socket, later HTTP) calls these. */
export function liveOperations(supervisor: Supervisor, place: LivePlace): Operations {
  const world = (): Promise<World> => liveWorld(supervisor, place.paths, place.keepers());
  const withCaller = <T extends { readonly requester: Requester }>(call: T): T & { readonly caller: Caller } => ({
    ...call,
    caller: { paths: place.paths, environment: {}, pid: call.requester.pid },
  });
  return audited(supervisor, {
    apply: (params, call) => applyProject(supervisor, place, params, withCaller(call)),
    plan: (params) => planProject(supervisor, params),
    start: (params, call) => startServices(supervisor, params, withCaller(call)),
    restart: (params, call) => restartServices(supervisor, params, withCaller(call)),
    stop: async (params, call) => ({ receipt: await stopServices(supervisor, params, withCaller(call)) }),
    stopAll: async (params, { requester }) => ({
      receipts: await stopHome(supervisor, params, withCaller({ requester })),
    }),
    cleanup: async (params, { requester }) => ({ receipt: await cleanUpProject(supervisor, params, { requester }) }),
    down: async (params, call) => ({ receipt: await takeDown(supervisor, params, withCaller(call)) }),
    signal: async ({ project, service, signal }) => ({
      pid: signalMain(supervisor.find(project), service, signal),
    }),
    hunt: async ({ query }, { requester }) => ({ processes: hunt(await world(), query, requester.pid) }),
    logs: (params, call) => liveLogs(supervisor, place.paths, params, call),
    kill: async (params, { requester, push }) => {
      const call = withCaller({ requester });
      return kill({ world: await world(), caller: call.caller, stop: stopsFor(supervisor, call) }, params, push);
    },
    stopManaged: (requester) => stopEverything(supervisor, requester),
  });
}

function stopsFor(supervisor: Supervisor, call: StopCall): StopThese {
  return (stops, timeout, push) =>
    Promise.all(
      stops.map(({ folder, services }) =>
        stopServices(supervisor, { project: { folder }, services, timeout, force: false }, { ...call, push }),
      ),
    );
}
