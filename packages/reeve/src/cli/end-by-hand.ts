import type { Receipt } from '@reeve/contract';
import { type EndedAnnounced, endAnnounced } from '../announcements/end-announced.ts';
import { findFamilies } from '../announcements/find-family.ts';
import type { Announced } from '../core/announced/announced.ts';
import { filterEnvironment } from '../core/spec/environment.ts';
import { announcedInHome } from './announced-here.ts';
import type { Context } from './context.ts';
import { pathsOf } from './daemon/reach-daemon.ts';

/** From being asked to SIGKILL, unless --timeout says otherwise. Milliseconds. */
const GRACE = 10_000;

export interface EndWish {
  readonly timeout: number | null;
  readonly force: boolean;
  readonly cleanUp: boolean;
}

/** Ends services that were started manually, all at once: a slow one holds up no other. */
export async function endByHand(
  context: Context,
  announced: readonly Announced[],
  { timeout, force, cleanUp }: EndWish,
): Promise<readonly EndedAnnounced[]> {
  if (announced.length === 0) return [];
  const options = { cleanUp, force, grace: timeout ?? GRACE };
  const families = familiesInHome(context);
  return Promise.all(
    announced.map((each) => {
      const family = families.get(each.card.id) ?? [];
      return endAnnounced(each, { ...options, family, env: environmentFor(context, each) });
    }),
  );
}

/** What services started manually have started, by the id of the card. */
export function familiesInHome(context: Context): ReturnType<typeof findFamilies> {
  return findFamilies(pathsOf(context).home, announcedInHome(context).announced);
}

/** Those of which something runs: they themselves, or what they have left behind. */
export function thatRun(context: Context, announced: readonly Announced[]): readonly Announced[] {
  if (announced.every(({ liveness }) => liveness === 'live')) return announced;
  const families = familiesInHome(context);
  return announced.filter(({ liveness, card }) => liveness === 'live' || families.has(card.id));
}

/** Of a command that a service announced: the caller's, and who it is for. */
export function environmentFor(context: Context, { card }: Announced): Readonly<Record<string, string>> {
  return {
    ...filterEnvironment(context.io.env),
    REEVE_HOME: pathsOf(context).home,
    REEVE_PROJECT: card.project,
    REEVE_PROJECT_FOLDER: card.folder,
  };
}

/** A receipt with what was ended beside what reeve ran; `receipt` null: reeve ran nothing. */
export function withEnded(receipt: Receipt | null, project: string, ended: readonly EndedAnnounced[]): Receipt {
  const before = receipt ?? { project, status: 'COMPLETE', services: [], survivors: [], ms: 0 };
  const survivors = [...before.survivors, ...ended.flatMap((each) => each.survivors)];
  return {
    ...before,
    status: survivors.length === 0 ? before.status : 'INCOMPLETE',
    services: [...before.services, ...ended.map((each) => each.receipt)],
    survivors,
    ms: Math.max(before.ms, ...ended.map(({ ms }) => ms)),
  };
}
