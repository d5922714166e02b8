import { DAEMON_MARK } from '@reeve/contract';
import { isLiveState, parseEnviron, readProc, type Stat, scanStats } from '@reeve/host';

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
  cookieOf(pid: number): string | null;
}

/**
 * One scan of /proc for everybody who asks in the same turn of the event loop: stopping a hundred services must not
 * scan a hundred times.
 */
export interface ProcScan {
  /** A snapshot taken after this call. */
  fresh(): Promise<Snapshot>;
  /** One taken after `after` (`performance.now()`), if one is there that is at most `age` ms old; else a fresh one. */
  recent(after: number, age: number): Promise<Snapshot>;
}

export function procScan(): ProcScan {
  const cookies = cookieReader();
  let last: Snapshot | null = null;
  let coming: Promise<Snapshot> | null = null;
  const fresh = () => {
    coming ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        coming = null;
        try {
          last = takeSnapshot(cookies);
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

function takeSnapshot(cookies: CookieReader): Snapshot {
  const at = performance.now();
  const live = scanStats().filter(isLiveState);
  const cookieByPid = cookies(live);
  const cookieOf = (pid: number) => cookieByPid.get(pid) ?? null;
  return indexSnapshot(at, live, cookieOf);
}

/** Source of a snapshot for tests: any list of live processes. */
export function indexSnapshot(at: number, live: readonly Stat[], cookieOf: (pid: number) => string | null): Snapshot {
  return {
    at,
    stats: new Map(live.map((stat) => [stat.pid, stat])),
    children: groupBy(live, (stat) => stat.ppid),
    sessions: groupBy(live, (stat) => stat.session),
    groups: groupBy(live, (stat) => stat.pgrp),
    cookies: groupBy(
      live.filter((stat) => cookieOf(stat.pid) !== null),
      (stat) => cookieOf(stat.pid) ?? '',
    ),
    cookieOf,
  };
}

function groupBy<K>(stats: readonly Stat[], keyOf: (stat: Stat) => K): Map<K, Stat[]> {
  const groups = new Map<K, Stat[]>();
  for (const stat of stats) {
    const key = keyOf(stat);
    const group = groups.get(key);
    if (group) group.push(stat);
    else groups.set(key, [stat]);
  }
  return groups;
}

type CookieReader = (live: readonly Stat[]) => ReadonlyMap<number, string>;

/**
 * Reads each environment once: it only changes when the process executes another program, and then its image lies
 * elsewhere in memory.
 */
function cookieReader(): CookieReader {
  let known = new Map<number, { readonly start: number; readonly image: string; readonly cookie: string | null }>();
  return (live) => {
    const next: typeof known = new Map();
    const cookies = new Map<number, string>();
    for (const { pid, start, image } of live) {
      const before = known.get(pid);
      const same = before?.start === start && before.image === image ? before : null;
      const entry = same ?? { start, image, cookie: readCookie(pid) };
      next.set(pid, entry);
      if (entry.cookie !== null) cookies.set(pid, entry.cookie);
    }
    known = next;
    return cookies;
  };
}

/** Stands for the run of a daemon or keeper: nobody's. No run is called so, they are hex. */
export const NO_RUN = 'daemon';

function readCookie(pid: number): string | null {
  const text = readProc(`/proc/${pid}/environ`);
  if (!text?.includes('REEVE_')) return null;
  const environ = parseEnviron(text);
  return environ.has(DAEMON_MARK) ? NO_RUN : (environ.get('REEVE_RUN') ?? null);
}
