import { readdirSync, type Stats, statSync } from 'node:fs';
import { ReeveError } from '@reeve/contract';
import { homePaths } from './home.ts';
import { readStat } from './linux/proc-stat.ts';
import { lockHolder } from './locks.ts';

/** A process that holds a lock of a home, as it is seen from outside. */
export interface LiveHolder {
  readonly pid: number;
  /** A clause whose subject is the process. */
  readonly doing: string;
  /** A signal, or a debugger, keeps it from running: waiting does not help. */
  readonly isHalted: boolean;
  /** What makes it answer again. */
  readonly hint: string;
}

/**
 * Who holds a lock now: the pid that is written in it, if that process is alive and has the file open. Null: no process, or
 * a process that is not ours to look at. It says whom to look at, never whom to signal.
 */
export function liveHolder(lock: string): LiveHolder | null {
  const pid = lockHolder(lock);
  if (pid === null || !hasOpen(pid, lock)) return null;
  return doingOf(pid);
}

/** A daemon is there and does not answer: names its process, what that is doing, and what helps. */
export function silentDaemon(home: string, why: string, cause?: unknown): ReeveError {
  const holder = liveHolder(homePaths(home).daemonLock);
  const who = holder && { pid: holder.pid, hint: holder.hint, halted: holder.isHalted ? 'yes' : 'no' };
  const sentence = holder ? `${why}; its process (pid ${holder.pid}) ${holder.doing}` : why;
  const params = { home, why: sentence, how: 'silent', ...who };
  return new ReeveError('DAEMON_UNREACHABLE', params, cause === undefined ? {} : { cause });
}

/** What a process that is ours is doing now; null: it has gone. */
export function doingOf(pid: number): LiveHolder | null {
  const stat = readStat(pid);
  return stat && { pid, ...seen(pid, stat.state) };
}

const DOING: Readonly<Record<string, string>> = {
  T: 'stopped by a signal',
  t: 'held by a debugger',
  D: 'waiting for a disk',
  R: 'busy',
};

/** What a process that does not answer is doing, by the state letter of `/proc/PID/stat`: completes "it is …". null: it only sleeps. */
export function doingIn(state: string): string | null {
  return DOING[state] ?? null;
}

function seen(pid: number, state: string): Omit<LiveHolder, 'pid'> {
  const what = doingIn(state);
  const doing = what === null ? 'does not respond' : `is ${what}`;
  if (state === 'T') return { doing, isHalted: true, hint: `let it continue: kill -CONT ${pid}` };
  if (state === 't') return { doing, isHalted: true, hint: 'detach the debugger, or let it continue there' };
  const look = state === 'D' ? 'check the disk of the home' : 'its log: reeve daemon logs';
  const end = `if this persists: kill -9 ${pid} (services keep running, and another one takes its place)`;
  return { doing, isHalted: false, hint: `${look}; ${end}` };
}

/** A pid alone may have been recycled since its process wrote it down. */
function hasOpen(pid: number, path: string): boolean {
  const file = look(path);
  if (!file) return false;
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const there = look(`/proc/${pid}/fd/${fd}`);
      return there?.ino === file.ino && there.dev === file.dev;
    });
  } catch {
    return false;
  }
}

function look(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null; // a descriptor that was closed meanwhile
  }
}
