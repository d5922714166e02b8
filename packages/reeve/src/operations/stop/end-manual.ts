import type { Receipt } from '@reeve/contract';
import type { HomePaths } from '@reeve/host';
import { type EndedAnnounced, endAnnounced } from '../../announcements/end-announced.ts';
import { findFamilies } from '../../announcements/find-family.ts';
import type { Announced } from '../../core/announced/announced.ts';
import { filterEnvironment } from '../../core/spec/environment.ts';
import { announcedInHome } from '../read/announced.ts';

/** From being asked to SIGKILL, unless a timeout is given. Milliseconds. */
const GRACE = 10_000;

/** The home in which services are ended, and for whom. */
export interface Caller {
  readonly paths: HomePaths;
  /** Of who asks: commands that services announced are run with it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Pid of who asks. Neither it nor what has started it is ended; 0: another machine, or no process in particular. */
  readonly pid: number;
}

export interface EndWish {
  readonly timeout: number | null;
  readonly force: boolean;
  readonly cleanUp: boolean;
}

/** Ends services that were started manually, all at once: a slow one delays no other. */
export async function endManual(
  caller: Caller,
  announced: readonly Announced[],
  { timeout, force, cleanUp }: EndWish,
): Promise<readonly EndedAnnounced[]> {
  if (announced.length === 0) return [];
  const options = { cleanUp, force, grace: timeout ?? GRACE, askedBy: caller.pid };
  const families = familiesInHome(caller);
  return Promise.all(
    announced.map((each) => {
      const family = families.get(each.card.id) ?? [];
      return endAnnounced(each, { ...options, family, env: environmentFor(caller, each) });
    }),
  );
}

/** What services started manually have started, by the id of the card. */
export function familiesInHome({ paths }: Caller): ReturnType<typeof findFamilies> {
  return findFamilies(paths.home, announcedInHome(paths).announced);
}

/** Those of which something runs: they themselves, or what they have left behind. */
export function thatRun(caller: Caller, announced: readonly Announced[]): readonly Announced[] {
  if (announced.every(({ liveness }) => liveness === 'live')) return announced;
  const families = familiesInHome(caller);
  return announced.filter(({ liveness, card }) => liveness === 'live' || families.has(card.id));
}

/** Of a command that a service announced: the caller's, and who it is for. */
export function environmentFor({ paths, environment }: Caller, { card }: Announced): Readonly<Record<string, string>> {
  return {
    ...filterEnvironment(environment),
    REEVE_HOME: paths.home,
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
