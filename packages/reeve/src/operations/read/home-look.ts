import { join } from 'node:path';
import type { ProcessIdentity } from '@reeve/contract';
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
import type { Owner } from '../../core/interfaces.ts';
import type { World } from './world.ts';

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

/** Every live process, and whose it is. */
export interface HomeLook extends Pick<World, 'projects' | 'services'> {
  readonly at: number;
  readonly processes: readonly LookedAt[];
  /** Who asks, and everything above it. */
  readonly lineage: ReadonlySet<number>;
}

/** Looks at every live process: whose it is by what is known of the home, and by what it carries. `askedBy`: a pid. */
export function lookAtHome(world: World, askedBy: number): HomeLook {
  const live = scanProcesses().filter(isLiveState);
  const carried = carriedIn(world, live);
  const owners = attribute({ home: world.paths.home, live, carried }, world.runs, world.announced);
  const commands = new Map(world.announced.flatMap(({ card }) => (card.process ? [[card.pid, card] as const] : [])));
  const holders = nameHolders(world);
  const listeners = listListeners();
  const processes = live.flatMap((row): LookedAt[] => {
    const process = identityOf(row);
    if (process === null) return [];
    const { isReeve, home: other, run, isDetached: asks } = carried(row.pid);
    const owner = owners.get(row.pid) ?? null;
    const card = commands.get(row.pid);
    return [
      {
        row,
        process,
        owner,
        holds: holders.get(row.pid) ?? null,
        startedAs: card?.process?.start === row.start && card.argv.length > 0 ? card.argv.join(' ') : null,
        isDetached: asks && !owner?.isMain && owner?.foundBy.includes('cgroup') !== true,
        otherHome: !isReeve && run !== null && other !== null && other !== world.paths.home ? other : null,
        isReeve,
        listens: listeners.filter((each) => each.process?.pid === row.pid),
      },
    ];
  });
  const { projects, services } = world;
  return { at: Date.now(), processes, projects, services, lineage: lineageOf(askedBy, live) };
}

function carriedIn({ runs, reeve }: World, live: readonly ProcessRow[]): (pid: number) => Carried {
  const wanted = {
    cgroup: runs.some(({ cgroup }) => cgroup !== null),
    mark: runs.some(({ mark }) => mark !== null),
  };
  const read = new Map(live.map(({ pid }) => [pid, readCarried(pid, wanted)]));
  return (pid) => {
    const what = read.get(pid) ?? readCarried(pid, wanted);
    return reeve.has(pid) ? { ...what, isReeve: true } : what;
  };
}

/** Pid → the service whose lock it holds: also of one whose card is lost, or names no process. */
function nameHolders({ paths, projects, services, announced }: World): ReadonlyMap<number, Named> {
  const known = new Map<string, Named>();
  for (const { folder, name: project } of projects) {
    for (const service of services.get(folder) ?? []) known.set(instanceId(folder, service, 0), { project, service });
  }
  for (const { card } of announced) known.set(card.id, card);
  const holderOf = lockHolders();
  return new Map(
    [...known].flatMap(([id, { project, service }]) => {
      const pid = holderOf(join(paths.run, `${id}.lock`));
      return pid === null ? [] : [[pid, { project, service }] as const];
    }),
  );
}
