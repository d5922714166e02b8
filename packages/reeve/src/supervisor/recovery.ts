import type { KeptRun, ProcessIdentity } from '@reeve/contract';
import { iso } from '../base/instant.ts';
import type { FoundProcess } from '../core/interfaces.ts';
import { recover, recoverFromOtherBoot, type Seen } from '../core/lifecycle/resume.ts';
import { NEW_MACHINE, runOf } from '../core/lifecycle/table.ts';
import type { Machine } from '../core/lifecycle/types.ts';
import type { RunRow } from '../core/registry.ts';
import type { Instance } from './instance.ts';
import type { LiveRun } from './instance-handle.ts';
import type { Project } from './project.ts';
import { otherUser, userOf } from './run/launch.ts';
import { watchMain } from './run/main-process.ts';
import { unobserved } from './run/unobserved.ts';
import type { Supervisor } from './supervisor.ts';

/** Processes that carry a cookie of this home. */
type Strangers = () => Promise<readonly (FoundProcess & { readonly run: string; readonly isDetached: boolean })[]>;

/**
 * What a daemon does before anything else: it takes up what the last one remembered, holds it against what the keeper
 * and the system know, and lets every instance go on from there. Nothing is started or stopped here; the loop does
 * that when all is taken up, from what is then true.
 */
export async function recoverAll(supervisor: Supervisor, kept: readonly KeptRun[]): Promise<void> {
  const { registry, platform, home } = supervisor.deps;
  const isOtherBoot = registry.facts.get('boot') !== platform.boot;
  // A scan of all processes: only for runs of which neither the keeper nor the registry knows a process.
  const strangers = once(() => platform.findByCookie(home));
  for (const row of registry.projects.all()) {
    const project = supervisor.newProject(row);
    takeRows(supervisor, project);
    for (const instanceRow of registry.instances.of(row.folder)) {
      const instance = project.services.get(instanceRow.service)?.instances[instanceRow.index];
      // The registry's rows are parsed, the machine in them is the lifecycle's own value, perhaps of an older reeve.
      const machine: Machine = { ...NEW_MACHINE, ...(instanceRow.machine as Machine) };
      if (instance) await goOn(instance, machine, isOtherBoot, kept, strangers);
    }
  }
  closeRuns(supervisor);
  await releaseEnded(supervisor, kept);
  registry.facts.set('boot', platform.boot);
  supervisor.begin();
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return () => {
    answer ??= ask();
    return answer;
  };
}

function takeRows(supervisor: Supervisor, project: Project): void {
  const { registry, clock } = supervisor.deps;
  const intents = new Map(registry.intents.of(project.row.folder).map((i) => [i.service, i]));
  for (const row of registry.services.of(project.row.folder)) {
    const intent = intents.get(row.name) ?? {
      folder: row.folder,
      service: row.name,
      want: 'down' as const,
      generation: 0,
      at: clock.now(),
      by: 'recovery',
    };
    project.put(row, intent);
  }
}

async function goOn(
  instance: Instance,
  machine: Machine,
  isOtherBoot: boolean,
  kept: readonly KeptRun[],
  strangers: Strangers,
): Promise<void> {
  const { deps } = instance.host;
  if (isOtherBoot) return instance.goOn(recoverFromOtherBoot(machine, iso(deps.clock.now())), null, []);
  const run = runOf(machine.state);
  const row = run === null ? null : deps.registry.runs.get(run);
  if (run === null || row === null) return instance.goOn(recover(machine, { kind: 'absent' }).machine, null, []);
  const seen = await look(
    instance,
    row,
    kept.find((k) => k.run === run),
    strangers,
  );
  const live = seen.kind === 'absent' ? null : await liveAgain(instance, row, seen.process);
  const { machine: now, missed } = recover(machine, seen);
  instance.goOn(now, live, missed);
  const keptRun = kept.find((k) => k.run === run);
  const moved = movedMain(row, keptRun);
  if (seen.kind === 'alive' && moved !== null) watchMain(instance, moved);
  else if (seen.kind === 'alive' && !keptRun && live) reportEnd(instance, live);
}

/** The main process, when the run has named another one than the keeper spawned; null: it has not. */
function movedMain({ marks: { main } }: RunRow, kept: KeptRun | undefined): ProcessIdentity | null {
  const isOther = kept !== undefined && main !== null && main.pid !== kept.process.pid;
  return isOther ? main : null;
}

async function look(instance: Instance, row: RunRow, kept: KeptRun | undefined, strangers: Strangers): Promise<Seen> {
  const { platform, clock } = instance.host.deps;
  const moved = movedMain(row, kept);
  if (kept && moved === null)
    return kept.exit
      ? { kind: 'ended', process: kept.process, exit: kept.exit }
      : { kind: 'alive', process: kept.process };
  const { main } = row.marks;
  if (main)
    return platform.isAlive(main)
      ? { kind: 'alive', process: main }
      : { kind: 'ended', process: main, exit: unobserved(clock.now()) };
  const found = (await strangers()).find((s) => s.run === row.run && !s.isDetached);
  return found ? { kind: 'alive', process: found.process } : { kind: 'absent' };
}

async function liveAgain(instance: Instance, row: RunRow, main: ProcessIdentity | null): Promise<LiveRun> {
  const { deps } = instance.host;
  const marks = { ...row.marks, main: main ?? row.marks.main };
  const leases = deps.registry.leases.all().filter((l) => l.run === row.run);
  const { project, spec, index } = instance;
  const environment = project.environmentOf(spec.name);
  const [resolved, user] = await resolveAgain(instance, async () => {
    const user = await userOf(instance);
    const input = { project: project.row, spec, environment, index, run: row.run, ports: leases, user };
    return [await deps.resolve(input), otherUser(deps, user)];
  });
  return { row: { ...row, marks }, processes: deps.platform.track(marks), leases, resolved, user };
}

type Surroundings = readonly [LiveRun['resolved'], LiveRun['user']];

/** A config file that has vanished since must not keep a running service from being taken over. */
async function resolveAgain(instance: Instance, resolve: () => Promise<Surroundings>): Promise<Surroundings> {
  try {
    return await resolve();
  } catch (error) {
    instance.host.deps.log.warn(
      { err: error, service: instance.selector },
      'taken over without its checks: its environment cannot be computed now',
    );
    return [
      {
        argv: [],
        cwd: instance.spec.cwd,
        env: {},
        ready: null,
        health: null,
        stop: null,
        cleanup: null,
        secrets: [],
      },
      null,
    ];
  }
}

/** No keeper waits for it: its end is seen, its exit status is not. */
function reportEnd(instance: Instance, live: LiveRun): void {
  const { main } = live.processes.marks;
  if (!main) return;
  const { platform, clock } = instance.host.deps;
  const timer = setInterval(() => {
    if (instance.live?.row.run !== live.row.run) return clearInterval(timer);
    if (platform.isAlive(main)) return;
    clearInterval(timer);
    instance.post({ name: 'exited', exit: unobserved(clock.now()) });
  }, 250);
  timer.unref();
}

/** What the keeper still holds of ended runs that nobody goes on with: it would never be idle. */
async function releaseEnded(supervisor: Supervisor, kept: readonly KeptRun[]): Promise<void> {
  const over = kept.filter(({ run, exit }) => exit !== null && !supervisor.instanceOfRun(run));
  if (over.length === 0) return;
  const { keeper } = supervisor.deps;
  await Promise.all(over.map(async ({ run }) => (await keeper(run)).release(run)));
}

/** Runs that nobody goes on with are over, and so are their leases. */
function closeRuns(supervisor: Supervisor): void {
  const { registry, clock } = supervisor.deps;
  registry.transaction('usual', () => {
    for (const row of registry.runs.open()) {
      if (supervisor.instanceOfRun(row.run)) continue;
      registry.runs.save({ ...row, ended_at: clock.now(), exit: row.exit ?? unobserved(clock.now()) });
      registry.leases.release({ run: row.run });
    }
  });
}
