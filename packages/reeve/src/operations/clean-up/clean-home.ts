import type { PsView } from '@reeve/contract';
import { cleanUpByCommand, cleanUpInOwner } from '../../announcements/clean-up.ts';
import { removeCard } from '../../announcements/remove-card.ts';
import type { Announced } from '../../core/announced/announced.ts';
import { announcedInHome } from '../read/announced.ts';
import { type Caller, endManual, environmentFor, familiesInHome } from '../stop/end-manual.ts';
import { startedManually } from '../stop/started-manually.ts';
import { type CleanRow, mergeRows, rowOfEnded, rowOfSupervised } from './clean-rows.ts';

export interface CleanWish {
  readonly timeout: number | null;
  readonly force: boolean;
}
export interface Cleaned {
  readonly rows: readonly CleanRow[];
  /** What was cleaned of what reeve did not start. */
  readonly byHand: readonly Announced[];
}

/** What reeve runs, and how a project of it is cleaned up. */
export interface Managed {
  readonly projects: readonly PsView[];
  readonly clean: (project: string) => Promise<readonly CleanRow[]>;
}

/**
 * Cleans up everything of the home: each service's own clean-up while it lives, the stop, the clean-up command, and then
 * a look whether processes and ports are gone. One that fails or hangs stands on its own line, and stops no other.
 */
export async function cleanHome(caller: Caller, { projects, clean }: Managed, wish: CleanWish): Promise<Cleaned> {
  const { announced } = announcedInHome(caller.paths);
  const byHand = startedManually(announced, projects);
  const supervised = announced.filter((each) => !byHand.includes(each) && each.liveness === 'live');
  const families = familiesInHome(caller);
  const there = byHand.filter((each) => hasSomething(each, families));
  const inOwners = await Promise.all(supervised.map((each) => cleanUpInOwner(each)));
  const [managed, ended] = await Promise.all([
    Promise.all(projects.map(({ project }) => clean(project))),
    endManual(caller, there, { ...wish, cleanUp: true }),
  ]);
  const byCommands = await Promise.all(supervised.map((each) => cleanUpByCommand(each, environmentFor(caller, each))));
  const own = supervised.flatMap((each, at) => rowOfSupervised(each, inOwners[at] ?? byCommands[at] ?? null));
  for (const { announced: each, cleanUp } of ended) {
    if (cleanUp?.ok && each.origin === 'library' && each.liveness === 'stale') removeCard(each.file);
  }
  const rows = mergeRows([...managed.flat(), ...own, ...ended.map(rowOfEnded)]);
  return { rows, byHand: ended.map((each) => each.announced) };
}

/** Of some services: the clean-up in each owner that reeve runs, and the orderly end of what was started manually. */
export async function cleanManual(
  caller: Caller,
  { supervised, byHand }: { readonly supervised: readonly Announced[]; readonly byHand: readonly Announced[] },
  wish: CleanWish,
): Promise<readonly CleanRow[]> {
  await Promise.all(supervised.map((each) => cleanUpInOwner(each)));
  const families = familiesInHome(caller);
  const there = byHand.filter((each) => hasSomething(each, families));
  return (await endManual(caller, there, { ...wish, cleanUp: true })).map(rowOfEnded);
}

/** It runs, it has left something behind, or its clean-up can still be run. */
function hasSomething({ card, liveness }: Announced, families: ReadonlyMap<string, unknown>): boolean {
  if (liveness === 'live' || families.has(card.id)) return true;
  return liveness !== 'stopped' && Boolean(card.announcement?.cleanup);
}
