import { type ProjectRef, type Receipt, ReeveError } from '@reeve/contract';
import { announcedIn, announcedInHome } from '../read/announced.ts';
import { type Caller, type EndWish, endManual, withEnded } from './end-manual.ts';
import { runningManually, type Supervises, wordsBeside } from './started-manually.ts';

export type ManualWish = Omit<EndWish, 'cleanUp'>;

/**
 * Stops what runs of a project that reeve itself does not know. Throws PROJECT_UNKNOWN when one of the words, or the
 * project, is not known by announcements either: nothing is ended then.
 */
export async function stopManual(
  caller: Caller,
  ref: ProjectRef,
  words: readonly string[],
  wish: ManualWish,
  supervises: Supervises = () => false,
): Promise<Receipt> {
  const announced = announcedIn(caller.paths, ref);
  const [first] = announced;
  if (!first || wordsBeside(words, announced).length > 0)
    throw new ReeveError('PROJECT_UNKNOWN', { name: ref.name ?? ref.folder ?? '' });
  const manual = runningManually(caller, announced, words, supervises);
  return withEnded(null, first.card.project, await endManual(caller, manual, { ...wish, cleanUp: false }));
}

/** Stops everything of the home that was started manually, and adds it to the receipts of what reeve ran: one each project. */
export async function stopAllManual(
  caller: Caller,
  wish: ManualWish,
  managed: Promise<readonly Receipt[]>,
  supervises: Supervises = () => false,
): Promise<readonly Receipt[]> {
  const manual = runningManually(caller, announcedInHome(caller.paths).announced, [], supervises);
  const [receipts, ended] = await Promise.all([managed, endManual(caller, manual, { ...wish, cleanUp: false })]);
  const names = new Set([...receipts.map(({ project }) => project), ...manual.map(({ card }) => card.project)]);
  return [...names].map((name) => {
    const receipt = receipts.find(({ project }) => project === name) ?? null;
    return withEnded(
      receipt,
      name,
      ended.filter(({ announced }) => announced.card.project === name),
    );
  });
}
