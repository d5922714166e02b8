import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { homePaths, refuseLink } from '@reeve/host';
import { fingerprint } from '../../base/fingerprint.ts';

/**
 * Where keepers live: each in a folder that is a home to it (its lock, socket, journal and FIFOs are in there). The
 * first is the home itself; a keeper of another program that comes beside it gets `keepers/1`, the next `keepers/2`.
 */
export interface KeeperPlace {
  /** 0: the home itself. */
  readonly number: number;
  readonly folder: string;
}

/**
 * Newest first; never empty. The home itself is one as long as it is the only one, or a keeper's journal or socket is in
 * it. Throws HOME_UNSAFE where a link lies in the place of one.
 */
export function keeperPlaces(home: string): readonly KeeperPlace[] {
  const folder = join(home, 'keepers');
  refuseLink(folder);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^[1-9]\d{0,8}$/.test(name)) : [];
  const later = names.map(Number).sort((a, b) => b - a);
  const { journal, keeperSocket } = homePaths(home);
  const own = later.length === 0 || existsSync(journal) || existsSync(keeperSocket) ? [0] : [];
  const places = [...later, ...own].map((number) => keeperPlace(home, number));
  for (const place of places) if (place.number > 0) refuseLink(place.folder);
  return places;
}

export function keeperPlace(home: string, number: number): KeeperPlace {
  return { number, folder: number === 0 ? home : join(home, 'keepers', String(number)) };
}

/** Names a keeper program: version and fingerprint. Given to a keeper that is started, and told by it at every hello. */
export function keeperLabel(version: string, program: readonly string[]): string {
  return `${version}+${fingerprint(program.slice(-1)) ?? 'unknown'}`;
}

/** What an empty keeper leaves behind: no daemon looks for one there any more. Of the home itself the journal goes. */
export function removeKeeperPlace({ number, folder }: KeeperPlace): void {
  rmSync(number > 0 ? folder : homePaths(folder).journal, { recursive: true, force: true });
}
