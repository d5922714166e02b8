import { DAEMON_MARK, type ProcessIdentity, type ProjectRef, ReeveError, type ServiceView } from '@reeve/contract';
import { environOf, identityOf, isLiveState, kinOf, lineageOf, type ProcessRow, scanProcesses } from '@reeve/host';
import { ReeveClient } from '../client.ts';
import { listCards, livenessOf } from '../service/cards.ts';
import { findProject, type PlaceOptions, type ProjectPlace } from '../service/place.ts';

/** Whose a process is. */
export interface OwnerOf {
  readonly project: string;
  readonly service: string;
  /** The process that stands for it. */
  readonly isMain: boolean;
  /** The daemon supervises it: ended behind its back it may come again. */
  readonly byDaemon: boolean;
}
export interface Seen {
  readonly row: ProcessRow;
  readonly process: ProcessIdentity;
  /** null: no process of this home. */
  readonly owner: OwnerOf | null;
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

/** A daemon that does not answer is not waited for longer than this. Milliseconds. */
const DEADLINE = 2000;

export async function lookAround(options: WhereOptions = {}): Promise<Surroundings> {
  const place = await findProject(options);
  const supervised = await supervisedServices(place, null);
  const rows = scanProcesses().filter(isLiveState);
  const environs = new Map(rows.map(({ pid }) => [pid, environOf(pid)]));
  const isReeve = (pid: number): boolean => environs.get(pid)?.has(DAEMON_MARK) === true;
  const owners = ownersOf(place, supervised, rows, environs);
  const processes = rows.flatMap((row): Seen[] => {
    const process = identityOf(row);
    return process === null ? [] : [{ row, process, owner: owners.get(row.pid) ?? null, isReeve: isReeve(row.pid) }];
  });
  return { place, processes, lineage: lineageOf(process.pid, rows), supervised };
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
    return projects.flatMap(({ project: name, services }) => services.map((each) => ({ ...each, project: name })));
  } catch (error) {
    if (error instanceof ReeveError) return [];
    throw error;
  }
}

type Environs = ReadonlyMap<number, ReadonlyMap<string, string> | null>;

function ownersOf(
  { run, home }: ProjectPlace,
  supervised: readonly Supervised[],
  rows: readonly ProcessRow[],
  environs: Environs,
): ReadonlyMap<number, OwnerOf> {
  const owners = new Map<number, OwnerOf>();
  for (const { pid, environ } of rows.map(({ pid }) => ({ pid, environ: environs.get(pid) }))) {
    if (!environ?.has('REEVE_RUN') || environ.get('REEVE_HOME') !== home || environ.has(DAEMON_MARK)) continue;
    const [project = '', service = ''] = [environ.get('REEVE_PROJECT'), environ.get('REEVE_SERVICE')];
    owners.set(pid, { project, service, isMain: false, byDaemon: supervised.length > 0 });
  }
  for (const card of listCards(run)) {
    const { project, service, pid } = card;
    if (livenessOf(card) === 'live') owners.set(pid, { project, service, isMain: true, byDaemon: false });
  }
  for (const { project, name: service, instances } of supervised) {
    for (const { pid } of instances)
      if (pid !== null) owners.set(pid, { project, service, isMain: true, byDaemon: true });
  }
  return withKin(rows, environs, owners);
}

/** What hangs below one of them is its own, unless it is somebody's already, or reeve itself. */
function withKin(
  rows: readonly ProcessRow[],
  environs: Environs,
  mains: Map<number, OwnerOf>,
): ReadonlyMap<number, OwnerOf> {
  const owners = new Map(mains);
  for (const [pid, owner] of mains) {
    const main = rows.filter((row) => row.pid === pid);
    const spare = (stat: { readonly pid: number }) =>
      mains.has(stat.pid) || environs.get(stat.pid)?.has(DAEMON_MARK) === true;
    for (const { stat } of kinOf(main, rows, spare)) owners.set(stat.pid, { ...owner, isMain: false });
  }
  return owners;
}
