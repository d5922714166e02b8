import { type Actor, CONTROL_PROTOCOL, type DaemonAbout, type DaemonProblem, type Receipt } from '@reeve/contract';
import { iso } from '../../base/instant.ts';
import { eventView } from '../../core/view.ts';
import { describeActor } from '../../supervisor/audit.ts';
import { changesOfRuns } from '../../supervisor/intents/executed-changes.ts';
import { apply, restart, start } from '../../supervisor/intents/intents.ts';
import { endsKnown } from '../../supervisor/intents/known-ends.ts';
import { selectServices, selectWhole } from '../../supervisor/intents/selection.ts';
import type { Project } from '../../supervisor/project.ts';
import { registryProblems } from '../../supervisor/registry-replaced.ts';
import { lookAround, projectView } from '../../supervisor/snapshot.ts';
import { type Supervisor, unknownProject } from '../../supervisor/supervisor.ts';
import { waitFor } from '../../supervisor/waiting.ts';
import { allPorts } from '../all-ports.ts';
import { forgetEnded, forgetProject, pruneServices, purgeForgotten } from '../remove-project.ts';
import { why } from '../service-why.ts';
import { signalMain } from '../signal-main.ts';
import { stopEverything, stopProject } from '../stop-project.ts';
import { surroundingsOf } from '../surroundings.ts';
import type { ControlHandlers } from './handler-types.ts';

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

/** The calls of the control socket: each is an intent, a wait, or a view. Nothing is decided here. */
export function controlHandlers(
  supervisor: Supervisor,
  facts: DaemonFacts,
): Omit<ControlHandlers, 'announced' | 'cleanup'> {
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
    apply: async ({ project: spec, environment, services, prune, actor }) => {
      const declared = { spec, environment, services };
      const known = supervisor.findIfKnown({ folder: spec.folder });
      if (known) await endsKnown(supervisor, known);
      const executed = await changesOfRuns(supervisor, declared);
      const applied = apply(supervisor, { ...declared, prune, actor, executed });
      const project = supervisor.find({ folder: spec.folder });
      const removed = forgetEnded(supervisor, project, applied.removed);
      if (prune) await pruneServices(supervisor, project, removed);
      return { ...applied, removed, problems: registryProblems(supervisor.deps.registry, supervisor.deps.clock.now()) };
    },
    start: async ({ project: ref, services, environment, actor }) => {
      const project = supervisor.find(ref);
      await endsKnown(supervisor, project);
      return start(supervisor, project, startable(project, services), environment, actor);
    },
    restart: ({ project: ref, services, force, actor }) => {
      const project = supervisor.find(ref);
      const names = startable(project, services);
      const accepted = restart(supervisor, project, names, actor);
      if (force) hurryRestart(project, names);
      return accepted;
    },
    stop: async ({ project: ref, services, timeout, force, actor }, { push }) => {
      const project = supervisor.find(ref);
      const names = selectWhole(project, services);
      const options = { timeout, force, actor, action: 'stop', onProgress: push };
      return { receipt: await stopProject(supervisor, project, names, options) };
    },
    down: async ({ project: ref, purge, timeout, actor }, { push }) => {
      const project = supervisor.findIfKnown(ref);
      const cleared = project === null && purge ? await purgeForgotten(supervisor, ref) : null;
      if (cleared) return { receipt: cleared };
      if (!project) throw unknownProject(ref);
      const names = [...project.services.keys()];
      const options = { timeout, force: false, actor, action: 'down', onProgress: push };
      const receipt = await stopProject(supervisor, project, names, options);
      if (receipt.status === 'COMPLETE' && !receipt.taken_over) await forgetProject(supervisor, project, purge);
      return { receipt };
    },
    wait: ({ project: ref, services, until, timeout }, call) => {
      const project = supervisor.find(ref);
      const names = selectServices(project, services);
      // Not waited for: it is known before anybody has to be told why nothing gets on.
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
      const [problems, look] = await Promise.all([facts.problems(), lookAround(supervisor)]);
      return { projects: projects.map((p) => projectView(p, look, { ...daemonView, problems })) };
    },
    why: async ({ project: ref, service }) => {
      await facts.problems();
      return why(supervisor, supervisor.find(ref), service);
    },
    ports: async ({ port }) => ({ ports: await allPorts(supervisor, port) }),
    signal: ({ project: ref, service, signal, actor }) => ({
      pid: signalMain(supervisor, supervisor.find(ref), service, signal, actor),
    }),
    surroundings: async ({ project: ref, service }) => surroundingsOf(supervisor, supervisor.find(ref), service),
    shutdown: async ({ with_services, actor }) => {
      const receipts: Receipt[] = with_services ? await stopEverything(supervisor, actor) : [];
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

function recordUpgrade({ deps }: Supervisor, program: readonly string[], actor: Actor): void {
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

/** Without names: what starts by itself. */
function startable(project: Project, services: readonly string[]): readonly string[] {
  const names = selectWhole(project, services);
  if (services.length > 0) return names;
  return names.filter((name) => {
    const { row } = project.service(name);
    return row.in_config && row.spec.autostart;
  });
}

function hurryRestart(project: Project, names: readonly string[]): void {
  for (const name of names) {
    for (const instance of project.service(name).instances) {
      if (!instance.isAlive()) continue;
      instance.post({ name: 'stop', cause: { kind: 'stale' } });
      instance.post({ name: 'hurry', grace: 0 });
    }
  }
}
