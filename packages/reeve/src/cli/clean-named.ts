import { ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { cleanUpInOwner } from '../announcements/clean-up.ts';
import { endManual, familiesInHome } from '../operations/stop/end-manual.ts';
import { announcedOf, startedByHand } from './announced-here.ts';
import { callerOf } from './caller.ts';
import {
  type CleanRow,
  type CleanWish,
  hasSomething,
  mergeRows,
  rowOfEnded,
  rowsOfReceipt,
} from './clean-everything.ts';
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
  const byHand = startedByHand(announced, view ? [view] : []);
  const managed = await managedNames(context, target);
  const known = new Set(byHand.map(({ card }) => card.service.toLowerCase()));
  const strangers = words.filter((word) => !managed.has(word.toLowerCase()) && !known.has(word.toLowerCase()));
  if (strangers.length > 0) {
    const message = `nothing here is called ${strangers.join(', ')}`;
    throw new ReeveError('NOTHING_FOUND', { message, hint: 'reeve advertisements lists what can be cleaned up' });
  }
  const supervised = announced.filter((each) => !byHand.includes(each) && each.liveness === 'live');
  await Promise.all(supervised.map((each) => cleanUpInOwner(each)));
  const services = words.filter((word) => managed.has(word.toLowerCase()));
  const families = familiesInHome(callerOf(context));
  const there = byHand.filter((each) => hasSomething(each, families));
  // First: a stop ends copies that were started manually too, but does not clean up after them.
  const ended = await endManual(callerOf(context), there, { ...wish, cleanUp: true });
  const stop = { services, call: 'stop', purge: false, ...wish } as const;
  const operations = operationsTo(context, client);
  const receipt = services.length > 0 ? await stopTarget(context, operations, target, stop) : null;
  return mergeRows([...(receipt ? rowsOfReceipt(receipt) : []), ...ended.map(rowOfEnded)]);
}
