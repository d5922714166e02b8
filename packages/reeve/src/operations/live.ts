import type { Supervisor } from '../supervisor/supervisor.ts';
import { audited } from './audited.ts';
import type { Operations } from './operation-types.ts';
import { signalMain } from './project/signal-main.ts';
import { applyProject, type GuardPlace } from './start/apply-project.ts';
import { restartServices, startServices } from './start/start-services.ts';
import { stopEverything } from './stop/stop-project.ts';
import { cleanUpProject, stopServices, takeDown } from './stop/stop-services.ts';

/** What the verbs mean where a daemon runs: every translator (socket, later HTTP) calls these. */
export function liveOperations(supervisor: Supervisor, place: GuardPlace): Operations {
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
    stopAll: (requester) => stopEverything(supervisor, requester),
  });
}
