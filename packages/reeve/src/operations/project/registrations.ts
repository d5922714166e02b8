import { type HomePaths, prepareHome } from '@reeve/host';
import { type Registration, removeRegistration, writeRegistration } from '../../announcements/registration.ts';
import { removeCard } from '../../announcements/remove-card.ts';
import type { Announced } from '../../core/announced/announced.ts';

export type { Registration };

/** Announces a service in the place of its process. Returns the file. */
export function register({ home }: Pick<HomePaths, 'home'>, entry: Registration): string {
  return writeRegistration(prepareHome(home), entry);
}

/** Takes an announcement away; no process is touched. false: it is of a service that lives, and announces itself. */
export function unregister({ origin, file }: Announced): boolean {
  if (origin === 'library') return removeCard(file);
  removeRegistration(file);
  return true;
}
