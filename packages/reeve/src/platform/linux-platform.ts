import type { ProcessIdentity } from '@reeve/contract';
import {
  bootId,
  type Capability,
  capabilities,
  cgroupOf,
  commandOf,
  environOf,
  findGroup,
  findUser,
  identityOf,
  isSame,
  listListeners,
  listSockets,
  loadSyscalls,
  pageSize,
  portHolders,
  type Stat,
} from '@reeve/host';
import type { Platform, RunMarks } from '../core/interfaces.ts';
import { type CgroupFinding, cgroupsName, findCgroups } from './cgroups.ts';
import { findOwners } from './find-owners.ts';
import { foundRuns } from './found-runs.ts';
import { socketTable } from './held-ports.ts';
import { ALL_TRACKERS, type TrackerSwitches } from './membership.ts';
import { type ProcScan, procScan } from './proc-scan.ts';
import { saysDetached, traitReader } from './process-marks.ts';
import { LinuxRun } from './run-processes.ts';

export interface LinuxPlatformOptions {
  /** Absolute. Names the folder of the runs' cgroups, and whose cookies are ours. */
  readonly home: string;
  /** false: as on a machine where no cgroup can be had. */
  readonly cgroup?: boolean;
  /** Switches trackers off, for the tests that show what each of them is worth. */
  readonly trackers?: Partial<TrackerSwitches>;
}

type FoundByCookie = Awaited<ReturnType<Platform['findByCookie']>>[number];

/** Linux, through /proc and cgroup v2. What is not available here is among its capabilities, with the reason. */
export function linuxPlatform(options: LinuxPlatformOptions): Platform {
  const trackers: TrackerSwitches = { ...ALL_TRACKERS, ...options.trackers };
  const off: CgroupFinding = { tree: null, why: 'no writable cgroup: switched off' };
  const cgroups = options.cgroup === false || !trackers.cgroup ? off : findCgroups(options.home);
  const runs = new Map<string, LinuxRun>();
  const scan = procScan(traitReader(options.home, trackers), () => oldestStart(runs.values()));
  const sockets = socketTable();
  const failed = new Map<string, string>();
  const isClaimed = (process: ProcessIdentity) => [...runs.values()].some((run) => run.knows(process));
  return {
    capabilities: [...capabilities(), cgroupCapability(cgroups), adoptionCapability(trackers)],
    boot: bootId(),
    prepare: (id, run) => Promise.resolve(prepare(cgroups, failed, id, run)),
    track: (marks) => {
      const run = new LinuxRun(marks, {
        scan,
        sockets,
        trackers,
        isClaimed,
        cgroup: folderOf(cgroups, marks),
        why: failed.get(marks.run) ?? (cgroups.tree === null ? cgroups.why : 'this run was started without a cgroup'),
        onDisposed: () => {
          if (runs.get(marks.run) === run) runs.delete(marks.run);
          failed.delete(marks.run);
          cgroups.tree?.prune();
        },
      });
      runs.set(marks.run, run);
      return run;
    },
    owners: async (home, of, announced, since = Number.POSITIVE_INFINITY) =>
      findOwners(await scan.recent(since, Number.POSITIVE_INFINITY), home, of, announced),
    findByCookie: (home) => findByCookie(scan, home),
    findRuns: async (home) => foundRuns(await scan.fresh(), home, cgroupsName(home), trackers),
    isAlive: isSame,
    environOf: (process) => (isSame(process) ? environOf(process.pid) : null),
    findUser,
    findGroup: async (name) => (await findGroup(name))?.gid ?? null,
    sockets: () => listSockets(),
    listeners: (port) => Promise.resolve(port === undefined ? listListeners() : portHolders(port)),
  };
}

function cgroupCapability({ tree, why }: CgroupFinding): Capability {
  return { name: 'cgroup', available: tree !== null, why };
}

/** What a keeper does with the binding; its own is the same one. */
function adoptionCapability({ mark, subreaper }: TrackerSwitches): Capability {
  const binding = loadSyscalls();
  const name = 'adoption';
  if (!binding.available) return { name, available: false, why: `no limit mark, no child subreaper: ${binding.why}` };
  if (!mark || !subreaper) return { name, available: false, why: 'limit mark or child subreaper: switched off' };
  return { name, available: true, why: 'limit mark and child subreaper' };
}

/** No older process belongs to a run. A run whose main is not known yet has no process, or one with a cookie. */
function oldestStart(runs: Iterable<LinuxRun>): number {
  let oldest = Number.POSITIVE_INFINITY;
  for (const { marks } of runs) oldest = Math.min(oldest, marks.main?.start ?? oldest);
  return oldest;
}

/** A start never fails for want of a cgroup: the run then only gets a weaker promise, which says why. */
function prepare(
  cgroups: CgroupFinding,
  failed: Map<string, string>,
  id: string,
  run: string,
): Awaited<ReturnType<Platform['prepare']>> {
  if (!/^[\w-]+$/.test(id) || !/^[\w.-]+$/.test(run)) throw new Error(`not the name of a run: ${id}.${run}`);
  const without = { cgroup: null, witness: { cookie: run, cgroup: null } };
  if (cgroups.tree === null) return without;
  try {
    const { folder, path } = cgroups.tree.make(`${id}.${run}`);
    return { cgroup: folder, witness: { cookie: run, cgroup: path } };
  } catch (error) {
    failed.set(run, `no cgroup could be made: ${(error as Error).message}`);
    return without;
  }
}

function folderOf({ tree }: CgroupFinding, { witness }: RunMarks): string | null {
  return tree === null || witness.cgroup === null ? null : tree.folderOf(witness.cgroup);
}

async function findByCookie(scan: ProcScan, home: string): Promise<readonly FoundByCookie[]> {
  const { cookies } = await scan.fresh();
  return [...cookies].flatMap(([run, stats]) => stats.flatMap((stat) => carrierOf(stat, run, home) ?? []));
}

function carrierOf(stat: Stat, run: string, home: string): FoundByCookie | null {
  if (stat.pid === process.pid) return null;
  const environ = environOf(stat.pid);
  const identity = identityOf(stat);
  if (identity === null || environ?.get('REEVE_HOME') !== home || environ.get('REEVE_RUN') !== run) return null;
  return {
    process: identity,
    command: commandOf(stat),
    found_by: ['cookie'],
    memory: stat.pages * pageSize(),
    cpu: stat.cpu,
    project: environ.get('REEVE_PROJECT') ?? null,
    service: environ.get('REEVE_SERVICE') ?? null,
    run,
    isDetached: saysDetached(environ) && !isInCgroupOf(stat.pid, run),
  };
}

/** Its last name is `<id>.<run>`; a service may have made others below it. */
function isInCgroupOf(pid: number, run: string): boolean {
  return (cgroupOf(pid) ?? '').split('/').some((name) => name.endsWith(`.${run}`));
}
