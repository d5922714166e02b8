import type { ProcessIdentity } from '@reeve/contract';
import { isMarkOf } from '@reeve/host';
import type { FoundRun, RunMarks } from '../../core/interfaces.ts';
import type { Project } from '../project.ts';
import { servedBy } from '../run/stop-command.ts';
import type { Supervisor } from '../supervisor.ts';

export interface StrayRun {
  readonly service: string;
  readonly marks: RunMarks;
  /** null: not on record. */
  readonly startedAt: number | null;
  /** A process of it is alive; false: only a keeper still lists the run. */
  readonly isSeen: boolean;
}
interface Somebody {
  readonly run: string;
  readonly id: string | null;
  readonly main: ProcessIdentity;
  readonly found: FoundRun | null;
}

/** The runs of some services of a project that are alive, or that a keeper holds as alive, and that no instance has. */
export async function strayRuns(
  supervisor: Supervisor,
  { project, names }: { readonly project: Project; readonly names: readonly string[] },
): Promise<readonly StrayRun[]> {
  const { platform, home, registry, keptRuns } = supervisor.deps;
  const found = new Map((await platform.findRuns(home)).map((run) => [run.run, run]));
  const held = keptRuns().filter(({ run, exit }) => exit === null && servedBy(run) === null);
  const all: readonly Somebody[] = [
    ...held.map(({ run, id, process }) => ({ run, id, main: process, found: found.get(run) ?? null })),
    ...[...found.values()]
      .filter(({ run }) => !held.some((each) => each.run === run))
      .map((each) => ({ run: each.run, id: each.id, main: each.main, found: each })),
  ];
  const wanted = new Set(names);
  const trackedMarks = marksOf(supervisor, found.values());
  return all.flatMap((somebody) => {
    const { run, main, found: seen } = somebody;
    if (supervisor.instanceOfRun(run)) return [];
    if (seen?.mark != null && isByMark(seen) && trackedMarks.has(seen.mark)) return [];
    const row = registry.runs.get(run);
    const service = row?.folder === project.row.folder ? row.service : serviceOf(project, somebody, home);
    if (service === null || !wanted.has(service)) return [];
    const witness = seen?.witness ?? { cookie: run, cgroup: null };
    const startedAt = row?.started_at ?? null;
    const marks = row?.marks ?? { run, main, witness, mark: seen?.mark ?? null, ports: [] };
    return { service, startedAt, marks, isSeen: seen !== null };
  });
}

/** The limit marks of the runs that are known otherwise: who carries one of these is tracked with its run. */
function marksOf(supervisor: Supervisor, found: Iterable<FoundRun>): ReadonlySet<number> {
  const instances = [...supervisor.projects.values()].flatMap((project) => project.instances());
  const live = instances.flatMap((each) => each.live?.row.marks.mark ?? []);
  return new Set([...live, ...[...found].flatMap((each) => (isByMark(each) ? [] : (each.mark ?? [])))]);
}

function isByMark({ run, mark }: FoundRun): boolean {
  return run === `mark-${mark}`;
}

/** By the id of its instance or its limit mark, else by what its environment says; null: it is of another project. */
function serviceOf(project: Project, { id, found }: Somebody, home: string): string | null {
  const isIts = (each: string): boolean => each === id || (found?.mark != null && isMarkOf(found.mark, home, each));
  const instance = project.instances().find((each) => isIts(each.id));
  if (instance) return instance.spec.name;
  return found?.named?.folder === project.row.folder ? found.named.service : null;
}
