import type { PsView } from '@reeve/contract';
import { type Found, readAnnouncements } from '../announcements/read-announcements.ts';
import type { Announced } from '../core/announced/announced.ts';
import {
  announcedProjects,
  isSupervised,
  type PlacedView,
  viewsWithAnnounced,
} from '../core/announced/announced-view.ts';
import type { Context } from './context.ts';
import { pathsOf } from './daemon/reach-daemon.ts';
import { isListenedOn } from './listened-on.ts';
import type { Target } from './project/target.ts';

/** Everything that announced itself in this home. */
export function announcedInHome(context: Context): Found {
  return readAnnouncements(pathsOf(context));
}

/** Of one project: by its folder, or by the name that the services give it. */
export function announcedOf(context: Context, target: Target): readonly Announced[] {
  return announcedInHome(context).announced.filter(({ card }) =>
    target.kind === 'folder' ? card.folder === target.folder : card.project.toLowerCase() === target.name.toLowerCase(),
  );
}

/** What reeve did not start itself: only its owner, or this command, ends it. */
export function startedByHand(announced: readonly Announced[], views: readonly PsView[]): readonly Announced[] {
  const services = views
    .flatMap((view) => view.services)
    .filter(({ managed_by }) => managed_by !== 'announced' && managed_by !== 'registered');
  return announced.filter((each) => each.card.run === null || !services.some((service) => isSupervised(service, each)));
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
