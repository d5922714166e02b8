import type { HomePaths } from '@reeve/host';
import type { Registry } from '../../core/registry.ts';
import { runSigns } from '../../core/run-signs.ts';
import { announcedInHome } from './announced.ts';
import type { World } from './world.ts';

type Memory = Pick<World, 'projects' | 'services' | 'runs'>;

/** What the last daemon left behind; `registry` null: nothing, or it cannot be read. `reeve`: see {@link World}. */
export function offlineWorld(paths: HomePaths, registry: Registry | null, reeve: ReadonlySet<number>): World {
  const { announced } = announcedInHome(paths);
  return { paths, announced, reeve, ...(registry ? remembered(registry) : NOTHING) };
}

const NOTHING: Memory = { projects: [], services: new Map(), runs: [] };

function remembered(registry: Registry): Memory {
  const projects = registry.projects.all();
  const names = (folder: string) => registry.services.of(folder).map(({ name }) => name);
  const project = new Map(projects.map(({ folder, name }) => [folder, name]));
  return {
    projects,
    services: new Map(projects.map(({ folder }) => [folder, names(folder)])),
    runs: registry.runs.open().map((row) => runSigns(row, project.get(row.folder) ?? row.folder)),
  };
}
