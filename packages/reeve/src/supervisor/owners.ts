import type { RunSigns } from '@reeve/contract';
import type { Owners } from '../core/interfaces.ts';
import { runSigns } from '../core/run-signs.ts';
import type { Dependencies } from './dependencies.ts';
import type { Project } from './project.ts';

/** Whose every process of the home is: of the runs as their trackers see them, and of what announced itself. */
export async function findOwners(deps: Dependencies, projects: Iterable<Project>): Promise<Owners> {
  return deps.platform.owners(deps.home, await liveSigns(projects), deps.announced());
}

/** What the processes of each live run are known by, those that its trackers see included. */
export function liveSigns(projects: Iterable<Project>): Promise<readonly RunSigns[]> {
  const runs = [...projects].flatMap((project) =>
    project.instances().flatMap(({ live }) => (live ? [{ live, project: project.row.name }] : [])),
  );
  return Promise.all(
    runs.map(async ({ live, project }) => {
      const found = await live.processes.scan();
      const members = new Map(found.map(({ process, found_by }) => [process.pid, found_by]));
      return { ...runSigns(live.row, project), main: live.processes.marks.main, members };
    }),
  );
}
