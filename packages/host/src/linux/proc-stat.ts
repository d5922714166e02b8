import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { bootOffset } from './boot-clock.ts';

/** What `/proc/PID/stat` tells. Source: proc(5). */
export interface Stat {
  readonly pid: number;
  readonly comm: string;
  /** One letter: R S D Z T t X I … */
  readonly state: string;
  readonly ppid: number;
  readonly pgrp: number;
  readonly session: number;
  /** It is on its way out: already outside its cgroup, not yet a zombie. */
  readonly exiting: boolean;
  readonly threads: number;
  /** Clock ticks since boot; from {@link readStat} the same in every time namespace. */
  readonly start: number;
  /** Resident pages. */
  readonly pages: number;
  /** Processor time that it has used, in clock ticks, without that of its children. */
  readonly cpu: number;
  /** Where its arguments and environment lie in memory: another value means that it has executed another program. */
  readonly image: string;
}

/** Bit of the flags field. Source: include/linux/sched.h. */
const PF_EXITING = 0x4;

/** `null`: this is not a stat line. The name may hold anything, also `) R 1 (` and newlines: only the last `)` ends it. */
export function parseStat(text: string): Stat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  const at = (index: number) => Number(fields[index] ?? Number.NaN);
  const stat: Stat = {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 1, close),
    state: fields[0] ?? '',
    ppid: at(1),
    pgrp: at(2),
    session: at(3),
    exiting: (at(6) & PF_EXITING) !== 0,
    threads: at(17),
    start: at(19),
    pages: at(21),
    cpu: at(11) + at(12),
    image: fields.slice(45, 49).join(' '),
  };
  return Number.isInteger(stat.pid) && Number.isInteger(stat.start) && stat.state.length === 1 ? stat : null;
}

/** A zombie has ended and only waits to be reaped, unless its other threads still run. */
export function isLiveState(stat: Pick<Stat, 'state' | 'threads'>): boolean {
  if (stat.state === 'X' || stat.state === 'x') return false;
  return stat.state !== 'Z' || stat.threads > 1;
}

let buffer = Buffer.allocUnsafe(64 * 1024);

/**
 * A whole file of /proc; null when the process is gone or not ours to read. One buffer for all, since it is called by
 * the thousand. The kernel may hand a file over in parts, so it is read until it ends; `once` spares that second look
 * for files that always come in one part.
 */
export function readProc(path: string, mode: 'whole' | 'once' = 'whole'): string | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const length = fill(fd, mode); // first: it may take a bigger buffer
    return buffer.toString('utf8', 0, length);
  } catch {
    return null; // it ended between open and read (ESRCH), or may not be read after all (EPERM)
  } finally {
    closeSync(fd);
  }
}

function fill(fd: number, mode: 'whole' | 'once'): number {
  let length = 0;
  for (;;) {
    const got = readSync(fd, buffer, length, buffer.length - length, null);
    length += got;
    if (got === 0 || (mode === 'once' && length < buffer.length)) return length;
    if (length === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
  }
}

/**
 * Threads of a process beside its main one. When the main thread has ended and others live, only they still have its
 * descriptors, environment and command line. Empty for a process that is gone.
 */
export function otherThreads(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((name) => (Number(name) === pid ? [] : Number(name)));
  } catch {
    return [];
  }
}

/** A file of a process that needs its memory (`environ`, `cmdline`), from whichever of its threads has it. */
export function readProcOf(pid: number, file: 'environ' | 'cmdline'): string | null {
  const text = readProc(`/proc/${pid}/${file}`);
  if (text !== null && text !== '') return text;
  for (const thread of otherThreads(pid)) {
    const found = readProc(`/proc/${pid}/task/${thread}/${file}`);
    if (found !== null && found !== '') return found;
  }
  return text;
}

/** `null`: no such process. */
export function readStat(pid: number): Stat | null {
  const text = readProc(`/proc/${pid}/stat`, 'once');
  const stat = text === null ? null : parseStat(text);
  const offset = bootOffset();
  return stat === null || offset === 0 ? stat : { ...stat, start: stat.start - offset };
}
