import {
  cgroupOf,
  commandOf,
  cwdOf,
  environOf,
  identityOf,
  isLiveState,
  markOf,
  readProc,
  readStat,
  type Stat,
} from '@reeve/host';
import type { FoundRun } from '../core/interfaces.ts';
import { isDetached } from './detached.ts';
import type { TrackerSwitches } from './membership.ts';
import type { Snapshot } from './proc-scan.ts';
import { NO_RUN, saysDetached } from './process-marks.ts';

/**
 * The runs of a home that live processes speak of, by their cookie or by the cgroup they are in; and, of whatever home,
 * those of which they have kept the limit mark alone. `cgroups`: the name of the folder that holds the cgroups of this
 * home.
 */
export function foundRuns(
  snapshot: Snapshot,
  home: string,
  cgroups: string,
  on: Pick<TrackerSwitches, 'mark'>,
): readonly FoundRun[] {
  const runs = new Map<string, Member[]>();
  for (const stat of snapshot.stats.values()) {
    const member = isKernelThread(stat) ? null : memberOf(snapshot, stat, { home, cgroups, on });
    if (member === null) continue;
    const members = runs.get(member.run);
    if (members) members.push(member);
    else runs.set(member.run, [member]);
  }
  return [...runs].flatMap(([run, members]) => described(run, members) ?? []);
}

interface Member {
  readonly stat: Stat;
  readonly run: string;
  /** Of the run, as the process shows it; null: it is in none. */
  readonly cgroup: string | null;
  readonly environ: ReadonlyMap<string, string> | null;
}

interface Where {
  readonly home: string;
  readonly cgroups: string;
  readonly on: Pick<TrackerSwitches, 'mark'>;
}

function memberOf(snapshot: Snapshot, stat: Stat, { home, cgroups, on }: Where): Member | null {
  const { cookie } = snapshot.traitsOf(stat.pid);
  if (stat.pid === process.pid || cookie === NO_RUN) return null;
  const within = runOfCgroup(cgroupOf(stat.pid), cgroups);
  if (cookie === null)
    return within === null ? (on.mark ? memberByMark(snapshot, stat) : null) : { stat, ...within, environ: null };
  const environ = environOf(stat.pid);
  const isOurs = environ?.get('REEVE_HOME') === home;
  if (within !== null) return { stat, ...within, environ: isOurs ? environ : null };
  if (!isOurs || saysDetached(environ)) return null;
  return { stat, run: cookie, cgroup: null, environ };
}

/**
 * It has emptied its environment: its mark says whose it is, and no longer which run. One that is just ending has lost
 * environment and cgroup, too, and is of a run that is known.
 */
function memberByMark(snapshot: Snapshot, stat: Stat): Member | null {
  const kept =
    isEnding(stat) || isDetached(snapshot, stat) ? null : (snapshot.traitsOf(stat.pid).mark ?? markOf(stat.pid));
  return kept === null ? null : { stat, run: `mark-${kept}`, cgroup: null, environ: null };
}

/** Looked at again: it may have begun to end since the snapshot. */
function isEnding(stat: Stat): boolean {
  const now = readStat(stat.pid) ?? stat;
  return now.exiting || !isLiveState(now);
}

/** The cgroup of a run is named `<id>.<run>`; a service may have made others below it. */
function runOfCgroup(path: string | null, cgroups: string): Pick<Member, 'run' | 'cgroup'> | null {
  const names = path?.split('/') ?? [];
  const at = names.indexOf(cgroups);
  const run = at < 0 ? undefined : /^[0-9a-f]{12}\.([\w.-]+)$/.exec(names[at + 1] ?? '')?.[1];
  return run === undefined ? null : { run, cgroup: names.slice(0, at + 2).join('/') };
}

/** The main process is the first of them: the others descend from it. */
function described(run: string, members: readonly Member[]): FoundRun | null {
  const [first] = [...members].sort((a, b) => a.stat.start - b.stat.start || a.stat.pid - b.stat.pid);
  const main = first && identityOf(first.stat);
  if (!first || !main) return null;
  const cgroup = members.find((member) => member.cgroup !== null)?.cgroup ?? null;
  const named = members.flatMap(({ environ }) => nameIn(environ) ?? [])[0] ?? null;
  const words = (readProc(`/proc/${main.pid}/cmdline`) ?? '').split('\0').filter((_, n, all) => n < all.length - 1);
  return {
    run,
    id: cgroup === null ? null : (cgroup.split('/').at(-1)?.split('.', 1)[0] ?? null),
    main,
    witness: { cookie: run, cgroup },
    mark: markOf(main.pid),
    words: words.length > 0 ? words : [commandOf(first.stat)],
    cwd: cwdOf(main.pid) ?? '/',
    named,
  };
}

function nameIn(environ: ReadonlyMap<string, string> | null): FoundRun['named'] {
  const [folder, service] = [environ?.get('REEVE_PROJECT_FOLDER'), environ?.get('REEVE_SERVICE')];
  if (!folder || !service) return null;
  const index = Number(environ?.get('REEVE_INSTANCE') ?? 0);
  return {
    folder,
    project: environ?.get('REEVE_PROJECT') ?? service,
    service,
    index: Number.isInteger(index) ? index : 0,
  };
}

/** Children of kthreadd: they are in no cgroup of ours. */
function isKernelThread({ pid, ppid }: Stat): boolean {
  return ppid === 2 || pid === 2;
}
