import { type Receipt, ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import type { Announced } from '../core/announced/announced.ts';
import { endManual, thatRun, withEnded } from '../operations/stop/end-manual.ts';
import { announcedOf, startedByHand } from './announced-here.ts';
import { callerOf } from './caller.ts';
import type { Context } from './context.ts';
import { refOf } from './project/find-project.ts';
import type { Target } from './project/target.ts';
import { askDaemon } from './project-views.ts';
import { type StopWish, stopTarget } from './stop-services.ts';

type Wish = Omit<StopWish, 'client' | 'project'> & { readonly client: ReeveClient | null };

/** What runs of a project although reeve did not start it, and what it left behind; chosen by words (all without). */
export async function runningByHand(
  context: Context,
  target: Target,
  words: readonly string[],
  client: ReeveClient | null,
): Promise<readonly Announced[]> {
  const live = thatRun(callerOf(context), announcedOf(context, target));
  if (live.length === 0) return [];
  const view = client && (await askDaemon(client, target));
  const wanted = new Set(words.map((word) => word.replace(/:\d+$/, '').toLowerCase()));
  const byHand = startedByHand(live, view ? [view] : []);
  return words.length === 0 ? byHand : byHand.filter(({ card }) => wanted.has(card.service.toLowerCase()));
}

/** Stops what a target names, by reeve and by hand; one receipt. */
export async function stopAllOf(context: Context, target: Target, wish: Wish): Promise<Receipt> {
  const byHand = await runningByHand(context, target, wish.services, wish.client);
  const known = announcedOf(context, target);
  const [receipt, ended] = await Promise.all([
    stopManaged(context, target, wish, known),
    endManual(callerOf(context), byHand, { timeout: wish.timeout, force: wish.force, cleanUp: false }),
  ]);
  const name = receipt?.project ?? known[0]?.card.project ?? refOf(target).name ?? '';
  return receipt && ended.length === 0 ? receipt : withEnded(receipt, name, ended);
}

/** A name that only an announcement knows is no error; null: reeve itself ran nothing of it. */
async function stopManaged(
  context: Context,
  target: Target,
  wish: Wish,
  announced: readonly Announced[],
): Promise<Receipt | null> {
  try {
    return await stopTarget(context, target, wish);
  } catch (error) {
    if (!(error instanceof ReeveError) || error.exit !== 4 || announced.length === 0) throw error;
    const known = new Set(announced.map(({ card }) => card.service.toLowerCase()));
    const rest = wish.services.filter((word) => !known.has(word.toLowerCase()));
    if (rest.length === wish.services.length && rest.length > 0) throw error;
    return rest.length === 0 ? null : stopTarget(context, target, { ...wish, services: rest });
  }
}
