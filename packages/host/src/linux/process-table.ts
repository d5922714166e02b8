import { readdirSync, readlinkSync, statSync } from 'node:fs';
import type { ProcessIdentity } from '@reeve/contract';
import { bootId } from './identity.ts';
import { isLiveState, readProc, readProcOf, readStat, type Stat } from './proc-stat.ts';

/** One row of the process table. */
export interface ProcessRow extends Stat {
  /** Resident memory in bytes, as the kernel's quick counter has it. */
  readonly rss: number;
  /** Who owns `/proc/PID`: the effective user, or root for a process that may not be dumped. -1: it has just ended. */
  readonly uid: number;
  /** The command line with spaces between the words; `[name]` for a kernel thread or a zombie. */
  readonly command: string;
}

/** Every pid of this moment. */
export function listPids(): readonly number[] {
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0);
    if (first >= 49 && first <= 57) pids.push(Number(name));
  }
  return pids;
}

/**
 * The children of a process, zombies included, the newest last. One small file, so the quickest look there is; while
 * some of them end it may leave others out (proc(5)). null: gone, not ours to read, or a kernel without that list.
 */
export function childrenOf(pid: number): readonly number[] | null {
  const text = readProc(`/proc/${pid}/task/${pid}/children`);
  return text === null ? null : text.split(' ').filter(Boolean).map(Number);
}

/** The cheap scan: one small file a process. Zombies are in it. */
export function scanStats(): readonly Stat[] {
  return listPids().flatMap((pid) => readStat(pid) ?? []);
}

/** The whole table, zombies included. */
export function scanProcesses(): readonly ProcessRow[] {
  return scanStats().map((stat) => ({
    ...stat,
    rss: stat.pages * pageSize(),
    uid: uidOf(stat.pid),
    command: commandOf(stat),
  }));
}

/** The identity of a scanned process; null for one that has ended. */
export function identityOf(stat: Stat): ProcessIdentity | null {
  return isLiveState(stat) ? { boot: bootId(), pid: stat.pid, start: stat.start } : null;
}

export function commandOf({ pid, comm }: Pick<Stat, 'pid' | 'comm'>): string {
  const words = readProcOf(pid, 'cmdline') ?? '';
  return words === '' ? `[${comm}]` : words.replaceAll('\0', ' ').trim();
}

export function uidOf(pid: number): number {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? -1;
}

/**
 * The environment a process was executed with (it may have overwritten it since). null: gone, or not ours to read.
 */
export function environOf(pid: number): ReadonlyMap<string, string> | null {
  const text = readProcOf(pid, 'environ');
  return text === null ? null : parseEnviron(text);
}

export function parseEnviron(text: string): ReadonlyMap<string, string> {
  const environ = new Map<string, string>();
  for (const entry of text.split('\0')) {
    const cut = entry.indexOf('=');
    if (cut > 0) environ.set(entry.slice(0, cut), entry.slice(cut + 1));
  }
  return environ;
}

/** The cgroup v2 path (below its mount point); null: gone, unreadable, or no v2 hierarchy. */
export function cgroupOf(pid: number | 'self'): string | null {
  return parseCgroup(readProc(`/proc/${pid}/cgroup`) ?? '');
}

export function parseCgroup(text: string): string | null {
  const path = /^0::(.*)$/m.exec(text)?.[1];
  // The kernel marks a removed cgroup; a path that is gone is still the path the process is in.
  return path === undefined ? null : path.replace(/ \(deleted\)$/, '');
}

/** Working folder; null: gone, or not ours to read. */
export function cwdOf(pid: number): string | null {
  return link(`/proc/${pid}/cwd`);
}

/** What the open descriptors point at (`socket:[123]`, `/path`, …); null: gone, or not ours to read. */
export function filesOf(pid: number): ReadonlyMap<number, string> | null {
  let names: readonly string[];
  try {
    names = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return null;
  }
  const files = new Map<number, string>();
  for (const name of names) {
    const target = link(`/proc/${pid}/fd/${name}`);
    if (target !== null) files.set(Number(name), target);
  }
  return files;
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

let page = 0;
/** Bytes of a memory page. Node does not tell it; the first mapping of ours does. */
export function pageSize(): number {
  page ||= 1024 * Number(/^KernelPageSize:\s+(\d+) kB$/m.exec(readProc('/proc/self/smaps') ?? '')?.[1] ?? 4);
  return page;
}
