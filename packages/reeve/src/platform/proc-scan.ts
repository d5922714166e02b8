import { isLiveState, type Stat, scanStats } from '@reeve/host';
import type { TraitReader, Traits } from './process-marks.ts';

/** All live processes of one moment, and the ways to ask which belong together. */
export interface Snapshot {
  /** `performance.now()` before the first process was looked at. */
  readonly at: number;
  readonly stats: ReadonlyMap<number, Stat>;
  readonly children: ReadonlyMap<number, readonly Stat[]>;
  readonly sessions: ReadonlyMap<number, readonly Stat[]>;
  readonly groups: ReadonlyMap<number, readonly Stat[]>;
  /** By `REEVE_RUN`. */
  readonly cookies: ReadonlyMap<string, readonly Stat[]>;
  /** By limit mark. */
  readonly marks: ReadonlyMap<number, readonly Stat[]>;
  /** By the run whose output they hold open. */
  readonly streams: ReadonlyMap<string, readonly Stat[]>;
  /** The keepers of this home. */
  readonly keepers: readonly Stat[];
  traitsOf(pid: number): Traits;
}

/**
 * One scan of /proc for all callers in the same turn of the event loop: stopping a hundred services must not
 * scan a hundred times.
 */
export interface ProcScan {
  /** A snapshot taken after this call. */
  fresh(): Promise<Snapshot>;
  /** One taken after `after` (`performance.now()`), if one is there that is at most `age` ms old; else a fresh one. */
  recent(after: number, age: number): Promise<Snapshot>;
}

/** `since`: the start tick of the oldest run. */
export function procScan(traits: TraitReader, since: () => number): ProcScan {
  let last: Snapshot | null = null;
  let coming: Promise<Snapshot> | null = null;
  const fresh = () => {
    coming ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        coming = null;
        try {
          last = takeSnapshot(traits, since());
          resolve(last);
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    return coming;
  };
  const recent = async (after: number, age: number) =>
    last !== null && last.at > after && last.at >= performance.now() - age ? last : fresh();
  return { fresh, recent };
}

function takeSnapshot(traits: TraitReader, since: number): Snapshot {
  const at = performance.now();
  const live = scanStats().filter(isLiveState);
  return indexSnapshot(at, live, traits.read(live, since));
}

/** Source of a snapshot for tests: any list of live processes. */
export function indexSnapshot(at: number, live: readonly Stat[], traitsOf: (pid: number) => Traits): Snapshot {
  const by = <K>(trait: (traits: Traits) => K | null): ReadonlyMap<K, readonly Stat[]> =>
    groupBy(live, (stat) => trait(traitsOf(stat.pid)));
  return {
    at,
    stats: new Map(live.map((stat) => [stat.pid, stat])),
    children: groupBy(live, (stat) => stat.ppid),
    sessions: groupBy(live, (stat) => stat.session),
    groups: groupBy(live, (stat) => stat.pgrp),
    cookies: by(({ cookie }) => cookie),
    marks: by(({ mark }) => mark),
    streams: by(({ stream }) => stream),
    keepers: live.filter(({ pid }) => traitsOf(pid).isKeeper),
    traitsOf,
  };
}

/** Without those whose key is null. */
function groupBy<K>(stats: readonly Stat[], keyOf: (stat: Stat) => K | null): Map<K, Stat[]> {
  const groups = new Map<K, Stat[]>();
  for (const stat of stats) {
    const key = keyOf(stat);
    if (key === null) continue;
    const group = groups.get(key);
    if (group) group.push(stat);
    else groups.set(key, [stat]);
  }
  return groups;
}
