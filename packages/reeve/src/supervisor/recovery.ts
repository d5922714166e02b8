import type { KeptRun, ProcessIdentity } from '@reeve/contract';
import { iso } from '../base/instant.ts';
import type { FoundProcess } from '../core/interfaces.ts';
import { recover, recoverFromOtherBoot, type Seen } from '../core/lifecycle/resume.ts';
import { NEW_MACHINE, runOf } from '../core/lifecycle/table.ts';
import type { Machine } from '../core/lifecycle/types.ts';
import type { RunRow } from '../core/registry.ts';
import type { Instance } from './instance.ts';
import type { Project } from './project.ts';
import { liveAgain } from './run/live-again.ts';
import { watchMain } from './run/main-process.ts';
import { releaseEnded } from './run/release-ended.ts';
import { unobserved } from './run/unobserved.ts';
import type { Supervisor } from './supervisor.ts';
import { candidatesOf } from './take-over/candidates.ts';
import { handToKeeper } from './take-over/hand-to-keeper.ts';
import { RunsFound } from './take-over/take-over.ts';

/** Processes that carry a cookie of this home. */
type Strangers = () => Promise<readonly (FoundProcess & { readonly run: string; readonly isDetached: boolean })[]>;

/** What is there beside the registry. */
interface Known {
  readonly isOtherBoot: boolean;
  /** By run. */
  readonly kept: ReadonlyMap<string, KeptRun>;
  readonly strangers: Strangers;
}

/**
 * What a daemon does before anything else: it takes up what the last one remembered, holds it against what the keeper
 * and the system know, and lets every instance continue from there. Nothing is started or stopped here; the loop does
 * that when all is taken up, from what is then true.
 */
export async function recoverAll(supervisor: Supervisor, kept: readonly KeptRun[]): Promise<void> {
  const { registry, platform, home } = supervisor.deps;
  supervisor.outbox.beginAfter(registry.events.find({ newest: 1 })[0]?.seq ?? 0);
  const isOtherBoot = registry.facts.get('boot') !== platform.boot;
  // A scan of all processes: only for runs of which neither the keeper nor the registry knows a process.
  const strangers = once(() => platform.findByCookie(home));
  const found = new RunsFound(supervisor, await candidatesOf(supervisor.deps, kept));
  const known: Known = { isOtherBoot, kept: new Map(kept.map((each) => [each.run, each])), strangers };
  const goingOn: Promise<void>[] = [];
  for (const row of registry.projects.all()) {
    const project = supervisor.newProject(row);
    takeRows(supervisor, project);
    const rows = new Map(registry.instances.of(row.folder).map((each) => [`${each.service} ${each.index}`, each]));
    for (const instance of project.instances()) {
      const instanceRow = rows.get(`${instance.spec.name} ${instance.index}`);
      // The registry's rows are parsed, the machine in them is the lifecycle's own value, perhaps of an older reeve.
      const machine: Machine = { ...NEW_MACHINE, ...((instanceRow?.machine ?? {}) as Machine) };
      const takenOver = found.takeOver(project, instance, runOf(machine.state));
      goingOn.push(
        takenOver.then((isDone) => {
          if (!isDone && instanceRow) return goOn(instance, machine, known);
        }),
      );
    }
  }
  await Promise.all(goingOn);
  await found.takeOverUnknown();
  closeRuns(supervisor);
  await releaseEnded(supervisor);
  void handToKeeper(supervisor);
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
  const { registry } = supervisor.deps;
  const intents = new Map(registry.intents.of(project.row.folder).map((i) => [i.service, i]));
  for (const row of registry.services.of(project.row.folder)) {
    const intent = intents.get(row.name) ?? {
      folder: row.folder,
      service: row.name,
      want: 'down' as const,
      generation: 0,
      at: 0, // whatever runs is newer
      by: 'recovery',
    };
    project.put(row, intent);
  }
}

async function goOn(instance: Instance, machine: Machine, known: Known): Promise<void> {
  const { isOtherBoot, kept, strangers } = known;
  const { deps } = instance.host;
  if (isOtherBoot) return instance.goOn(recoverFromOtherBoot(machine, iso(deps.clock.now())), null, []);
  const run = runOf(machine.state);
  const row = run === null ? null : deps.registry.runs.get(run);
  if (run === null || row === null) return instance.goOn(recover(machine, { kind: 'absent' }).machine, null, []);
  const keptRun = kept.get(run);
  const seen = await look(instance, row, keptRun, strangers);
  const live = seen.kind === 'absent' ? null : await liveAgain(instance, row, seen.process);
  const { machine: now, missed } = recover(machine, seen);
  instance.goOn(now, live, missed);
  const moved = movedMain(row, keptRun);
  if (seen.kind === 'alive' && moved !== null) watchMain(instance, moved);
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

/** Runs that no instance continues are over, and so are their leases. */
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
