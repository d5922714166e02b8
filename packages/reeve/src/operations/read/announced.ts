import type { ProjectRef } from '@reeve/contract';
import type { HomePaths } from '@reeve/host';
import { type Found, readAnnouncements } from '../../announcements/read-announcements.ts';
import type { Announced } from '../../core/announced/announced.ts';

/** Everything that announces itself in a home, and which files were passed over. */
export function announcedInHome(paths: Pick<HomePaths, 'run' | 'announce'>): Found {
  return readAnnouncements(paths);
}

/** A project as services announce it: by its folder, or by the name that they give it. */
export function announcedIn(paths: Pick<HomePaths, 'run' | 'announce'>, ref: ProjectRef): readonly Announced[] {
  const name = ref.name?.toLowerCase();
  return announcedInHome(paths).announced.filter(({ card }) =>
    ref.folder !== undefined ? card.folder === ref.folder : card.project.toLowerCase() === name,
  );
}
