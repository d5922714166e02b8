import type { RunSigns } from '@reeve/contract';
import type { FoundProcess, Owners } from '../core/interfaces.ts';
import { runSigns } from '../core/run-signs.ts';
import type { Dependencies } from './dependencies.ts';
import type { LiveRun } from './instance-handle.ts';
import type { Project } from './project.ts';

/** What is looked at: the runs of all projects. */
export interface Scene {
  readonly deps: Dependencies;
  readonly projects: ReadonlyMap<string, Project>;
}
/** Whose every process of the home is, and which processes each run has. */
export interface Ownership {
  readonly owners: Owners;
  readonly found: ReadonlyMap<LiveRun, readonly FoundProcess[]>;
}

/** Of the runs as their trackers see them, each looked at once, and of what announced itself. */
export async function lookAtOwners({ deps, projects }: Scene): Promise<Ownership> {
  const since = performance.now();
  const seen = await lookAtRuns(projects.values());
  const signs = seen.map(({ signs }) => signs);
  const owners = await deps.platform.owners(deps.home, signs, deps.announced(), since);
  return { owners, found: new Map(seen.map(({ live, found }) => [live, found])) };
}

/** What the processes of each live run are known by, those that its trackers see included. */
export async function liveSigns(projects: Iterable<Project>): Promise<readonly RunSigns[]> {
  return (await lookAtRuns(projects)).map(({ signs }) => signs);
}

function lookAtRuns(projects: Iterable<Project>) {
  const runs = [...projects].flatMap((project) =>
    project.instances().flatMap(({ live }) => (live ? [{ live, project: project.row.name }] : [])),
  );
  return Promise.all(
    runs.map(async ({ live, project }) => {
      const found = await live.processes.scan();
      const members = new Map(found.map(({ process, found_by }) => [process.pid, found_by]));
      const signs: RunSigns = { ...runSigns(live.row, project), main: live.processes.marks.main, members };
      return { live, found, signs };
    }),
  );
}
