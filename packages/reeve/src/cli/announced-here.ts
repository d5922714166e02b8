import type { PsView } from '@reeve/contract';
import type { Announced } from '../core/announced/announced.ts';
import { announcedProjects, type PlacedView, viewsWithAnnounced } from '../core/announced/announced-view.ts';
import { announcedIn, announcedInHome as inHome } from '../operations/read/announced.ts';
import type { Context } from './context.ts';
import { pathsOf } from './daemon/reach-daemon.ts';
import { isListenedOn } from './listened-on.ts';
import { refOf } from './project/find-project.ts';
import type { Target } from './project/target.ts';

/** Everything that announced itself in this home. */
export function announcedInHome(context: Context): ReturnType<typeof inHome> {
  return inHome(pathsOf(context));
}

/** Of one project: by its folder, or by the name that the services give it. */
export function announcedOf(context: Context, target: Target): readonly Announced[] {
  return announcedIn(pathsOf(context), refOf(target));
}

export function mergeAnnounced(context: Context, views: readonly PlacedView[]): readonly PsView[] {
  return viewsWithAnnounced(views, announcedInHome(context).announced, isListenedOn());
}

/** Projects of which nothing is known but what announced itself there. */
export function onlyAnnounced(
  context: Context,
  target: Target | null,
  known: ReadonlySet<string>,
  daemon: PsView['daemon'],
): readonly PsView[] {
  const announced = target === null ? announcedInHome(context).announced : announcedOf(context, target);
  return announcedProjects(announced, known, daemon, isListenedOn());
}
