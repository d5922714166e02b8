import { rm } from 'node:fs/promises';
import type { ProjectRef, Receipt } from '@reeve/contract';
import type { Project } from '../../supervisor/project.ts';
import { stopAndProve } from '../../supervisor/stopping.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';

/** Ends and forgets what has left the config; what does not end is kept, so that it can be seen. */
export async function pruneServices(supervisor: Supervisor, project: Project, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await stopAndProve(supervisor, { project, names, timeout: null, force: false });
  forgetEnded(supervisor, project, names);
}

/** What is neither wanted nor there is history. Returns the names of the others. */
export function forgetEnded(supervisor: Supervisor, project: Project, names: readonly string[]): readonly string[] {
  return names.filter((name) => {
    const { intent, instances } = project.service(name);
    if (intent.want === 'up' || instances.some((i) => i.isAlive())) return true;
    supervisor.removeService(project, name);
    return false;
  });
}

/** Forgets a stopped project; its history and logs stay unless they are purged. */
export async function forgetProject(supervisor: Supervisor, project: Project, purge: boolean): Promise<void> {
  // Forgotten by another `down`, and perhaps made anew since.
  if (supervisor.projects.get(project.row.folder) !== project) return;
  supervisor.outbox.flush();
  supervisor.remove(project);
  const { folder } = project.row;
  if (purge) await purgeFolder(supervisor, folder, project.instances());
  else supervisor.deps.registry.transaction('durable', () => supervisor.deps.registry.projects.remove(folder, false));
}

/** `down --purge` after `down`: what was kept then goes now. Null: nothing was kept. */
export async function purgeForgotten(supervisor: Supervisor, { folder }: ProjectRef): Promise<Receipt | null> {
  if (folder === undefined) return null;
  const [last] = supervisor.deps.registry.events.find({ folder, newest: 1 });
  if (!last) return null;
  await purgeFolder(supervisor, folder, []);
  return { project: last.project, status: 'COMPLETE', services: [], survivors: [], ms: 0 };
}

/** History and logs, of services too that the project has long forgotten. */
async function purgeFolder(
  { deps }: Supervisor,
  folder: string,
  instances: readonly { readonly id: string }[],
): Promise<void> {
  const { registry, logFolder, instanceId } = deps;
  const past = registry.events.instancesOf(folder).map((each) => instanceId(folder, each.service, each.instance));
  const ids = new Set([...instances.map(({ id }) => id), ...past]);
  registry.transaction('durable', () => registry.projects.remove(folder, true));
  await Promise.all([...ids].map((id) => rm(logFolder(id), { recursive: true, force: true })));
}
