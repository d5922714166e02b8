import type { HomePaths } from '@reeve/host';
import { liveSigns } from '../../supervisor/owners.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { World } from './world.ts';

/** What the daemon knows. `keepers`: their pids. */
export async function liveWorld(supervisor: Supervisor, paths: HomePaths, keepers: readonly number[]): Promise<World> {
  const projects = [...supervisor.projects.values()];
  return {
    paths,
    projects: projects.map(({ row }) => row),
    services: new Map(projects.map(({ row, services }) => [row.folder, [...services.keys()]])),
    runs: await liveSigns(projects),
    announced: supervisor.deps.announced(),
    reeve: new Set([process.pid, ...keepers]),
  };
}
