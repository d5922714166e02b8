import { ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { type CleanWish, cleanManual } from '../operations/clean-up/clean-home.ts';
import { type CleanRow, mergeRows, rowsOfReceipt } from '../operations/clean-up/clean-rows.ts';
import { startedManually } from '../operations/stop/started-manually.ts';
import { announcedOf } from './announced-here.ts';
import { callerOf } from './caller.ts';
import type { Context } from './context.ts';
import { operationsTo } from './operations-of.ts';
import { findProject } from './project/find-project.ts';
import { managedNames } from './project/managed-names.ts';
import { askDaemon } from './project-views.ts';
import { stopTarget } from './stop-services.ts';

/** Cleans up some services of a project, as `cleanup --all` does with everything. Throws NOTHING_FOUND. */
export async function cleanNamed(
  context: Context,
  client: ReeveClient | null,
  words: readonly string[],
  wish: CleanWish,
): Promise<readonly CleanRow[]> {
  const target = await findProject(context);
  const wanted = new Set(words.map((word) => word.toLowerCase()));
  const view = client && (await askDaemon(client, target));
  const announced = announcedOf(context, target).filter(({ card }) => wanted.has(card.service.toLowerCase()));
  const byHand = startedManually(announced, view ? [view] : []);
  const managed = await managedNames(context, target);
  const known = new Set(byHand.map(({ card }) => card.service.toLowerCase()));
  const strangers = words.filter((word) => !managed.has(word.toLowerCase()) && !known.has(word.toLowerCase()));
  if (strangers.length > 0) {
    const message = `nothing here is called ${strangers.join(', ')}`;
    throw new ReeveError('NOTHING_FOUND', { message, hint: 'reeve advertisements lists what can be cleaned up' });
  }
  const supervised = announced.filter((each) => !byHand.includes(each) && each.liveness === 'live');
  const services = words.filter((word) => managed.has(word.toLowerCase()));
  // First: a stop ends copies that were started manually too, but does not clean up after them.
  const ended = await cleanManual(callerOf(context), { supervised, byHand }, wish);
  const stop = { services, call: 'stop', purge: false, ...wish } as const;
  const operations = operationsTo(context, client);
  const receipt = services.length > 0 ? await stopTarget(context, operations, target, stop) : null;
  return mergeRows([...(receipt ? rowsOfReceipt(receipt) : []), ...ended]);
}
