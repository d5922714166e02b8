import {
  type CardSigns,
  type ProcessIdentity,
  type ProcessOwner,
  type ProjectRef,
  ReeveError,
  type RunSigns,
  type ServiceView,
} from '@reeve/contract';
import {
  attribute,
  type Carried,
  identityOf,
  isLiveState,
  lineageOf,
  type ProcessRow,
  readCarried,
  scanProcesses,
} from '@reeve/host';
import { ReeveClient } from '../client.ts';
import { listCards, livenessOf } from '../service/cards.ts';
import { findProject, type PlaceOptions, type ProjectPlace } from '../service/place.ts';

export interface Seen {
  readonly row: ProcessRow;
  readonly process: ProcessIdentity;
  /** null: no process of this home. */
  readonly owner: ProcessOwner | null;
  /** How it was started, as its card says: it may have given itself a title since. Empty: no card. */
  readonly startedAs: readonly string[];
  /** A daemon or keeper of reeve. */
  readonly isReeve: boolean;
}
/** Every live process, and whose it is: by the daemon where there is one, the cards, and what the processes carry. */
export interface Surroundings {
  readonly place: ProjectPlace;
  readonly processes: readonly Seen[];
  /** This program and everything above it. */
  readonly lineage: ReadonlySet<number>;
  readonly supervised: readonly Supervised[];
}
export interface Supervised extends ServiceView {
  readonly project: string;
}
/** Whose home, and which project. */
export interface WhereOptions extends Pick<PlaceOptions, 'home' | 'cwd'> {}

/** What the daemon shows and did not start. */
const BY_HAND: ReadonlySet<string> = new Set(['announced', 'registered']);
/** A daemon that does not answer is not waited for longer than this. Milliseconds. */
const DEADLINE = 2000;

export async function lookAround(options: WhereOptions = {}): Promise<Surroundings> {
  const place = await findProject(options);
  const supervised = await supervisedServices(place, null);
  const live = scanProcesses().filter(isLiveState);
  const read = new Map(live.map(({ pid }) => [pid, readCarried(pid, NOT_NEEDED)]));
  const carried = (pid: number): Carried => read.get(pid) ?? readCarried(pid, NOT_NEEDED);
  const cards = cardsOf(place);
  const owners = attribute({ home: place.home, live, carried }, runsOf(supervised, live), cards);
  const processes = live.flatMap((row): Seen[] => {
    const process = identityOf(row);
    if (process === null) return [];
    const card = cards.find((each) => each.card.process?.pid === row.pid && each.card.process.start === row.start);
    const startedAs = card?.card.argv ?? [];
    return [{ row, process, owner: owners.get(row.pid) ?? null, startedAs, isReeve: carried(row.pid).isReeve }];
  });
  return { place, processes, lineage: lineageOf(process.pid, live), supervised };
}

/** The daemon does not tell which cgroups and marks its runs have. */
const NOT_NEEDED = { cgroup: false, mark: false };

function cardsOf({ run }: ProjectPlace): readonly CardSigns[] {
  return listCards(run).map((card) => ({
    card,
    liveness: livenessOf(card),
    identity: card.process === null ? 'pid' : 'verified',
  }));
}

/** What the daemon of the home supervises; none where it does not run or does not know the project (null: all). */
export async function supervisedServices(
  place: ProjectPlace,
  project: ProjectRef | null,
): Promise<readonly Supervised[]> {
  try {
    await using client = await ReeveClient.connect({
      socket: place.controlSocket,
      home: place.home,
      deadline: DEADLINE,
    });
    const { projects } = await client.call('ps', { project }, { deadline: DEADLINE });
    return projects.flatMap(({ project: name, services }) =>
      services.filter(({ managed_by: by }) => !BY_HAND.has(by)).map((each) => ({ ...each, project: name })),
    );
  } catch (error) {
    if (error instanceof ReeveError) return [];
    throw error;
  }
}

/** The daemon's runs, as `ps` tells of them: their main processes are known, the rest by what they carry. */
function runsOf(supervised: readonly Supervised[], live: readonly ProcessRow[]): readonly RunSigns[] {
  return supervised.flatMap(({ project, name: service, instances }) =>
    instances.flatMap(({ run, pid, index }): RunSigns[] => {
      const main = live.find((row) => row.pid === pid) ?? null;
      if (run === null || main === null) return [];
      const unknown = { folder: '', cgroup: null, mark: null, members: new Map() };
      return [{ ...unknown, run, project, service, index, main }];
    }),
  );
}
