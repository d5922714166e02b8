import { DAEMON_MARK, DETACHED_MARK, type ProcessIdentity, type TrackerName } from '@reeve/contract';
import {
  cgroupOf,
  environOf,
  identityOf,
  isLiveState,
  isWithin,
  kinOf,
  lineageOf,
  listListeners,
  markOf,
  type ProcessRow,
  type SocketOwner,
  scanProcesses,
} from '@reeve/host';
import type { Announced } from '../core/announced/announced.ts';
import type { ProjectRow, RunRow } from '../core/registry.ts';
import { announcedInHome } from './announced-here.ts';
import type { Context } from './context.ts';
import { connectToRead, pathsOf } from './daemon/reach-daemon.ts';
import { withMemory } from './memory.ts';

/** Which service of this home a process belongs to, and how that is known. */
export interface Owner {
  readonly project: string;
  readonly folder: string | null;
  readonly service: string;
  readonly instance: number | null;
  /** Of the run; of a service that was started by hand the id of its card. */
  readonly run: string;
  readonly isMain: boolean;
  /** Its run is not over: the daemon, or whoever started it by hand, answers for it. Otherwise it was left behind. */
  readonly isLive: boolean;
  /** It was not started by reeve, and has said itself who it is; null: it was. */
  readonly byHand: Announced | null;
  readonly foundBy: readonly TrackerName[];
}

export interface LookedAt {
  readonly row: ProcessRow;
  readonly process: ProcessIdentity;
  /** null: no process of this home. */
  readonly owner: Owner | null;
  /** It is a service's of another reeve home: that home. */
  readonly otherHome: string | null;
  /** It is a daemon or keeper of reeve. */
  readonly isReeve: boolean;
  /** Outside the cgroup of its run, with `REEVE_DETACHED=1`: it is not meant when its service is. */
  readonly isDetached: boolean;
  readonly listens: readonly SocketOwner[];
}

export interface HomeLook {
  readonly at: number;
  readonly processes: readonly LookedAt[];
  readonly projects: readonly ProjectRow[];
  /** folder → names of its services. */
  readonly services: ReadonlyMap<string, readonly string[]>;
  /** This command and everything above it. */
  readonly lineage: ReadonlySet<number>;
}

interface Memory {
  readonly projects: readonly ProjectRow[];
  readonly services: ReadonlyMap<string, readonly string[]>;
  readonly runs: readonly RunRow[];
}

/** Every live process, and whose it is by what reeve remembers and what the processes carry. Needs no daemon. */
export async function lookAtHome(context: Context): Promise<HomeLook> {
  const memory = await remember(context);
  const reeve = await ownReeve(context);
  const rows = scanProcesses().filter(isLiveState);
  const home = pathsOf(context).home;
  const environs = new Map(rows.map((row) => [row.pid, environOf(row.pid)]));
  const announced = announcedInHome(context).announced;
  const owners = ownersOf(rows, environs, memory, home, announced);
  const listeners = listListeners();
  const processes = rows.flatMap((row): LookedAt[] => {
    const process = identityOf(row);
    if (process === null) return [];
    const environ = environs.get(row.pid);
    const isReeve = reeve.has(row.pid) || environ?.has(DAEMON_MARK) === true;
    const other = environ?.get('REEVE_HOME');
    const isOthers = !isReeve && environ?.has('REEVE_RUN') === true && other !== undefined && other !== home;
    const listens = listeners.filter((each) => each.process?.pid === row.pid);
    const owner = isReeve ? null : (owners.get(row.pid) ?? null);
    const isDetached =
      environ?.get(DETACHED_MARK) === '1' && !owner?.isMain && owner?.foundBy.includes('cgroup') !== true;
    return [{ row, process, owner, isDetached, otherHome: isOthers ? other : null, isReeve, listens }];
  });
  const { projects, services } = memory;
  return { at: Date.now(), processes, projects, services, lineage: lineageOf(process.pid, rows) };
}

/** A registry that cannot be read leaves what the processes carry themselves. */
async function remember(context: Context): Promise<Memory> {
  const nothing: Memory = { projects: [], services: new Map(), runs: [] };
  try {
    const found = await withMemory(context, (registry): Memory => {
      const projects = registry.projects.all();
      const names = (folder: string) => registry.services.of(folder).map(({ name }) => name);
      const services = new Map(projects.map(({ folder }) => [folder, names(folder)]));
      return { projects, services, runs: registry.runs.open() };
    });
    return found ?? nothing;
  } catch {
    return nothing;
  }
}

/** The daemon and the keeper of this home. One that does not answer is known by its mark alone. */
async function ownReeve(context: Context): Promise<ReadonlySet<number>> {
  try {
    await using reading = await connectToRead(context);
    const { daemon, client } = reading;
    return new Set([daemon.pid, client?.daemon.keeper_pid ?? null].filter((each) => each !== null));
  } catch {
    return new Set();
  }
}

function ownersOf(
  rows: readonly ProcessRow[],
  environs: ReadonlyMap<number, ReadonlyMap<string, string> | null>,
  { runs, projects }: Memory,
  home: string,
  announced: readonly Announced[],
): ReadonlyMap<number, Owner> {
  const names = new Map(projects.map(({ folder, name }) => [folder, name]));
  const owners = new Map<number, Owner>();
  for (const row of rows) {
    const environ = environs.get(row.pid) ?? null;
    if (environ?.has(DAEMON_MARK)) continue;
    const cookie = environ?.get('REEVE_HOME') === home ? (environ.get('REEVE_RUN') ?? null) : null;
    const [run, foundBy] = runOf(row, cookie, runs);
    const byHand = announced.find((each) => isMainOf(each, row));
    if (run) owners.set(row.pid, ownerIn(run, names, row, foundBy));
    else if (cookie !== null) owners.set(row.pid, strayOf(cookie, environ));
    else if (byHand) owners.set(row.pid, ownerByHand(byHand));
  }
  return withKin(rows, environs, owners);
}

/** By the strongest witness; all that agree are named. */
function runOf(
  row: ProcessRow,
  cookie: string | null,
  runs: readonly RunRow[],
): readonly [RunRow | null, TrackerName[]] {
  const cgroup = runs.some(({ marks }) => marks.witness.cgroup !== null) ? cgroupOf(row.pid) : null;
  const mark = runs.some(({ marks }) => marks.mark !== null) ? markOf(row.pid) : null;
  for (const run of runs) {
    const { main, witness } = run.marks;
    const foundBy: TrackerName[] = [];
    if (main?.pid === row.pid && main.start === row.start) foundBy.push('main');
    if (witness.cgroup !== null && isWithin(cgroup, witness.cgroup)) foundBy.push('cgroup');
    if (mark !== null && run.marks.mark === mark) foundBy.push('mark');
    if (cookie === run.run) foundBy.push('cookie');
    if (foundBy.length > 0) return [run, foundBy];
  }
  return [null, []];
}

function ownerIn(run: RunRow, names: ReadonlyMap<string, string>, row: ProcessRow, foundBy: TrackerName[]): Owner {
  return {
    project: names.get(run.folder) ?? run.folder,
    folder: run.folder,
    service: run.service,
    instance: run.index,
    run: run.run,
    isMain: run.marks.main?.pid === row.pid && run.marks.main.start === row.start,
    isLive: true,
    byHand: null,
    foundBy,
  };
}

/** A pid alone proves nothing. */
function isMainOf({ card, liveness, identity }: Announced, row: ProcessRow): boolean {
  const isVerified = liveness === 'live' && identity === 'verified';
  return isVerified && card.process?.pid === row.pid && card.process.start === row.start;
}

function ownerByHand(byHand: Announced): Owner {
  const { project, folder, service, instance, id } = byHand.card;
  return { project, folder, service, instance, run: id, isMain: true, isLive: true, byHand, foundBy: ['main'] };
}

/** Left behind by a run that is over, or that nobody remembers. */
function strayOf(run: string, environ: ReadonlyMap<string, string> | null): Owner {
  return {
    project: environ?.get('REEVE_PROJECT') ?? '',
    folder: null,
    service: environ?.get('REEVE_SERVICE') ?? '',
    instance: Number(environ?.get('REEVE_INSTANCE') ?? 0),
    run,
    isMain: false,
    isLive: false,
    byHand: null,
    foundBy: ['cookie'],
  };
}

/** Descendants and sessions: who lost every mark, and still hangs below one who has it. */
function withKin(
  rows: readonly ProcessRow[],
  environs: ReadonlyMap<number, ReadonlyMap<string, string> | null>,
  owners: Map<number, Owner>,
): ReadonlyMap<number, Owner> {
  const spare = ({ pid }: { readonly pid: number }) =>
    owners.has(pid) || environs.get(pid)?.has(DAEMON_MARK) === true || environs.get(pid)?.has('REEVE_RUN') === true;
  for (const run of new Set([...owners.values()].map((owner) => owner.run))) {
    const members = rows.filter(({ pid }) => owners.get(pid)?.run === run);
    const like = owners.get(members[0]?.pid ?? 0);
    if (!like) continue;
    for (const { stat, by } of kinOf(members, rows, spare)) {
      owners.set(stat.pid, { ...like, isMain: false, foundBy: [by] });
    }
  }
  return owners;
}
