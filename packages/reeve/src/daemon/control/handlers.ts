import { CONTROL_PROTOCOL, type DaemonAbout, type DaemonProblem, type Requester } from '@reeve/contract';
import { iso } from '../../base/instant.ts';
import { eventView } from '../../core/view.ts';
import type { OperationCall, Operations, Verb } from '../../operations/operation-types.ts';
import { execContextOf } from '../../operations/project/exec-context.ts';
import { describeActor } from '../../supervisor/audit.ts';
import { selectServices } from '../../supervisor/intents/selection.ts';
import { lookWith, projectView } from '../../supervisor/snapshot.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { waitFor } from '../../supervisor/waiting.ts';
import { allPorts } from '../all-ports.ts';
import { why } from '../service-why.ts';
import type { ControlCall, ControlHandlers } from './handler-types.ts';

export interface DaemonFacts {
  readonly version: string;
  readonly startedAt: number;
  readonly home: string;
  readonly keeperPid: () => number | null;
  /** What keeps the daemon from its work now. */
  readonly problems: () => Promise<readonly DaemonProblem[]>;
  readonly about: () => Omit<DaemonAbout, 'problems'>;
  /** Lets a program take over; `connection` stays open for the answer. */
  readonly upgrade: (
    program: readonly string[],
    connection: number,
  ) => Promise<{ readonly pid: number; readonly away: number }>;
  /** Ends the daemon once the answer is on its way. */
  readonly shutdown: () => void;
}

/** The calls of the control socket: what changes something is an operation, the rest a wait or a view. */
export function controlHandlers(
  supervisor: Supervisor,
  operations: Operations,
  facts: DaemonFacts,
): Omit<ControlHandlers, 'announced'> {
  const daemonView = { running: true, pid: process.pid, version: facts.version };
  return {
    ping: () => ({
      pid: process.pid,
      version: facts.version,
      protocol: CONTROL_PROTOCOL,
      started_at: iso(facts.startedAt),
      home: facts.home,
      keeper_pid: facts.keeperPid(),
    }),
    about: async () => ({ problems: await facts.problems(), ...facts.about() }),
    upgrade: async ({ program, actor }, { connection }) => {
      recordUpgrade(supervisor, program, actor);
      return facts.upgrade(program, connection);
    },
    apply: (params, call) => operations.apply(params, asked(params, call)),
    plan: (params, call) => operations.plan(params, asked(params, call)),
    start: (params, call) => operations.start(params, asked(params, call)),
    restart: (params, call) => operations.restart(params, asked(params, call)),
    stop: (params, call) => operations.stop(params, asked(params, call)),
    stopAll: (params, call) => operations.stopAll(params, asked(params, call)),
    down: (params, call) => operations.down(params, asked(params, call)),
    cleanup: (params, call) => operations.cleanup(params, asked(params, call)),
    hunt: (params, call) => operations.hunt(params, asked(params, call)),
    kill: (params, call) => operations.kill(params, asked(params, call)),
    logs: (params, call) => operations.logs(params, asked(params, call)),
    signal: (params, call) => operations.signal(params, asked(params, call)),
    wait: ({ project: ref, services, until, timeout }, call) => {
      const project = supervisor.find(ref);
      const names = selectServices(project, services);
      // Not waited for: it is known before a client asks why nothing happens.
      void facts.problems();
      return waitFor(supervisor, {
        project,
        names,
        until,
        timeout,
        signal: call.signal,
        onProgress: (s) =>
          call.push({ service: s.name, state: s.state, ready: s.outcome === 'met', reason: s.reason, event: null }),
      });
    },
    ps: async ({ project: ref }) => {
      const projects = ref ? [supervisor.find(ref)] : [...supervisor.projects.values()];
      const [problems, picture] = await Promise.all([facts.problems(), supervisor.pictures.latest()]);
      const look = lookWith(supervisor, picture);
      return { projects: projects.map((p) => projectView(p, look, { ...daemonView, problems })) };
    },
    why: async ({ project: ref, service }) => {
      await facts.problems();
      return why(supervisor, supervisor.find(ref), service);
    },
    ports: async ({ port }) => ({ ports: await allPorts(supervisor, port) }),
    surroundings: ({ project, service }) => execContextOf(supervisor, supervisor.find(project), service),
    shutdown: async ({ with_services, actor }) => {
      const receipts = with_services ? await operations.stopManaged(actor) : [];
      facts.shutdown();
      return { receipts };
    },
    events: ({ project: ref }, call) => {
      const folder = ref ? supervisor.find(ref).row.folder : null;
      const unlisten = supervisor.onEvent((event) => {
        if (folder === null || event.folder === folder) call.push(eventView(event));
      });
      return new Promise((resolve) => {
        const done = (): void => {
          unlisten();
          resolve({});
        };
        if (call.signal.aborted) done();
        else call.signal.addEventListener('abort', done, { once: true });
      });
    },
  };
}

function recordUpgrade({ deps }: Supervisor, program: readonly string[], actor: Requester): void {
  deps.registry.transaction('durable', () =>
    deps.registry.audit.append({
      at: deps.clock.now(),
      actor: describeActor(actor),
      action: 'daemon upgrade',
      target: program.join(' '),
      reason: null,
      outcome: 'asked for',
    }),
  );
}

/** The connection is not the operation's business; who asks is. */
function asked<V extends Verb>(
  { actor }: { readonly actor: Requester },
  { push, signal, drained }: ControlCall<V>,
): OperationCall<V> {
  return { push, signal, drained, requester: actor };
}
