import { join } from 'node:path';
import type { ProcessIdentity, RunSigns } from '@reeve/contract';
import {
  attribute,
  type Carried,
  identityOf,
  instanceId,
  isLiveState,
  lineageOf,
  listListeners,
  lockHolders,
  type ProcessRow,
  readCarried,
  type SocketOwner,
  scanProcesses,
} from '@reeve/host';
import type { Announced } from '../core/announced/announced.ts';
import type { Owner } from '../core/interfaces.ts';
import type { ProjectRow } from '../core/registry.ts';
import { runSigns } from '../core/run-signs.ts';
import { announcedInHome } from './announced-here.ts';
import type { Context } from './context.ts';
import { connectToRead, pathsOf } from './daemon/reach-daemon.ts';
import { withMemory } from './memory.ts';

interface Named {
  readonly project: string;
  readonly service: string;
}

export interface LookedAt {
  readonly row: ProcessRow;
  readonly process: ProcessIdentity;
  /** null: no process of this home. */
  readonly owner: Owner | null;
  /** The service whose name it holds by lock, whatever its card says; null: none. */
  readonly holds: Named | null;
  /** How it was started, as its card says: a process may have given itself a title since. null: no card. */
  readonly startedAs: string | null;
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
  readonly runs: readonly RunSigns[];
}

/** Every live process, and whose it is by what reeve remembers and what the processes carry. Needs no daemon. */
export async function lookAtHome(context: Context): Promise<HomeLook> {
  const memory = await remember(context);
  const reeve = await ownReeve(context);
  const live = scanProcesses().filter(isLiveState);
  const { home } = pathsOf(context);
  const wanted = {
    cgroup: memory.runs.some(({ cgroup }) => cgroup !== null),
    mark: memory.runs.some(({ mark }) => mark !== null),
  };
  const read = new Map(live.map(({ pid }) => [pid, readCarried(pid, wanted)]));
  const carried = (pid: number): Carried => {
    const what = read.get(pid) ?? readCarried(pid, wanted);
    return reeve.has(pid) ? { ...what, isReeve: true } : what;
  };
  const { announced } = announcedInHome(context);
  const owners = attribute({ home, live, carried }, memory.runs, announced);
  const commands = new Map(announced.flatMap(({ card }) => (card.process ? [[card.pid, card] as const] : [])));
  const holders = nameHolders(context, memory, announced);
  const listeners = listListeners();
  const processes = live.flatMap((row): LookedAt[] => {
    const process = identityOf(row);
    if (process === null) return [];
    const { isReeve, home: other, run, isDetached: asks } = carried(row.pid);
    const isOthers = !isReeve && run !== null && other !== null && other !== home;
    const listens = listeners.filter((each) => each.process?.pid === row.pid);
    const owner = owners.get(row.pid) ?? null;
    const card = commands.get(row.pid);
    const startedAs = card?.process?.start === row.start && card.argv.length > 0 ? card.argv.join(' ') : null;
    const isDetached = asks && !owner?.isMain && owner?.foundBy.includes('cgroup') !== true;
    return [
      {
        row,
        process,
        owner,
        holds: holders.get(row.pid) ?? null,
        startedAs,
        isDetached,
        otherHome: isOthers ? other : null,
        isReeve,
        listens,
      },
    ];
  });
  const { projects, services } = memory;
  return { at: Date.now(), processes, projects, services, lineage: lineageOf(process.pid, live) };
}

/** Pid → the service whose lock it holds: also of one whose card is lost, or names no process. */
function nameHolders(
  context: Context,
  { projects, services }: Memory,
  announced: readonly Announced[],
): ReadonlyMap<number, Named> {
  const known = new Map<string, Named>();
  for (const { folder, name: project } of projects) {
    for (const service of services.get(folder) ?? []) known.set(instanceId(folder, service, 0), { project, service });
  }
  for (const { card } of announced) known.set(card.id, card);
  const holderOf = lockHolders();
  const { run } = pathsOf(context);
  return new Map(
    [...known].flatMap(([id, { project, service }]) => {
      const pid = holderOf(join(run, `${id}.lock`));
      return pid === null ? [] : [[pid, { project, service }] as const];
    }),
  );
}

/** A registry that cannot be read leaves what the processes carry themselves. */
async function remember(context: Context): Promise<Memory> {
  const nothing: Memory = { projects: [], services: new Map(), runs: [] };
  try {
    const found = await withMemory(context, (registry): Memory => {
      const projects = registry.projects.all();
      const names = (folder: string) => registry.services.of(folder).map(({ name }) => name);
      const services = new Map(projects.map(({ folder }) => [folder, names(folder)]));
      const project = new Map(projects.map(({ folder, name }) => [folder, name]));
      const runs = registry.runs.open().map((row) => runSigns(row, project.get(row.folder) ?? row.folder));
      return { projects, services, runs };
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
