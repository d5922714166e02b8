import type { DaemonView, PsView } from '@reeve/contract';
import { lookAround } from '../operations/read/look-around.ts';
import { declaredView, rememberedView } from '../operations/read/offline-view.ts';
import { mergeAnnounced, onlyAnnounced } from './announced-here.ts';
import type { Context } from './context.ts';
import { rememberedProject, withMemory } from './memory.ts';
import { unknownProject } from './project/find-project.ts';
import { loadProject } from './project/load-project.ts';
import type { Target } from './project/target.ts';

/** What is known of one project (none or one), or of all, without a daemon. */
export async function rememberedViews(
  context: Context,
  target: Target | null,
  daemon: DaemonView,
): Promise<readonly PsView[]> {
  const eyes = lookAround();
  const views = await withMemory(context, (registry) => {
    const one = target && rememberedProject(registry, target);
    const projects = target ? (one ? [one] : []) : registry.projects.all();
    return projects.map((project) => ({
      folder: project.folder,
      view: rememberedView(registry, project, eyes, daemon),
    }));
  });
  const known = new Set((views ?? []).map(({ folder }) => folder));
  return [
    ...mergeAnnounced(context, views ?? []),
    ...(target === null ? onlyAnnounced(context, null, known, daemon) : []),
  ];
}

/**
 * A project that nothing is known of but its config and what announced itself there. Throws PROJECT_UNKNOWN or
 * CONFIG_NOT_FOUND, or what is wrong.
 */
export async function viewOfConfig(context: Context, target: Target, daemon: DaemonView): Promise<PsView> {
  const isBare = target.kind === 'named' || target.config === null;
  const [announced] = isBare ? onlyAnnounced(context, target, new Set(), daemon) : [];
  if (announced) return announced;
  if (target.kind === 'folder' && target.config === null) throw unknownProject(target);
  const { project } = await loadProject(context, target);
  const [view] = mergeAnnounced(context, [{ folder: project.folder, view: declaredView(project, daemon) }]);
  return view ?? declaredView(project, daemon);
}
