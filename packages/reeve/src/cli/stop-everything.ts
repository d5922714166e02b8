import type { PsView, Receipt } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import type { Announced } from '../core/announced/announced.ts';
import { endManual, thatRun, withEnded } from '../operations/stop/end-manual.ts';
import { announcedInHome, startedByHand } from './announced-here.ts';
import { callerOf } from './caller.ts';
import type { Context } from './context.ts';
import { type StopWish, stopServices } from './stop-services.ts';

type AllWish = Omit<StopWish, 'client' | 'project'>;

/** Every project of the home and everything that was started by hand, all at once: a slow one holds up no other. */
export async function stopEverything(
  context: Context,
  client: ReeveClient | null,
  wish: AllWish,
): Promise<readonly Receipt[]> {
  const projects = client ? await managedProjects(client) : [];
  const byHand = liveByHand(context, projects);
  // Progress of several at once would write over each other.
  const quiet: Context = { ...context, talk: { ...context.talk, rich: false } };
  const [receipts, ended] = await Promise.all([
    Promise.all(
      client ? projects.map(({ project: name }) => stopServices(quiet, { ...wish, client, project: { name } })) : [],
    ),
    endManual(callerOf(context), byHand, { timeout: wish.timeout, force: wish.force, cleanUp: false }),
  ]);
  const names = new Set([...receipts.map(({ project }) => project), ...byHand.map(({ card }) => card.project)]);
  return [...names].map((name) => {
    const receipt = receipts.find(({ project }) => project === name) ?? null;
    const own = ended.filter(({ announced }) => announced.card.project === name);
    return withEnded(receipt, name, own);
  });
}

/** What the daemon itself runs or has run: only that is scanned. */
export async function managedProjects(client: ReeveClient): Promise<readonly PsView[]> {
  const { projects } = await client.call('ps', { project: null });
  return projects.filter(({ scanned_at }) => scanned_at !== null);
}

function liveByHand(context: Context, projects: readonly PsView[]): readonly Announced[] {
  return thatRun(callerOf(context), startedByHand(announcedInHome(context).announced, projects));
}
