import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * The tests' own eyes: they read /proc and share no code with reeve, so that a fault in reeve's trackers cannot hide
 * itself.
 */
export interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  /** Start time in clock ticks since boot: with the pid it tells a process from a later one with the same pid. */
  readonly start: number;
  readonly command: string;
  /** What gave it away. */
  readonly because: string;
}

/** Every live process that has to do with a folder: named in its environment, command line, working folder or open files. */
export function processesOf(folder: string): readonly SeenProcess[] {
  return allPids().flatMap((pid) => {
    const because = pid === process.pid ? null : connection(pid, folder);
    const seen = because === null ? null : lookAt(pid, because);
    return seen === null ? [] : [seen];
  });
}

/** One process, or null when it is gone or a zombie. */
export function lookAt(pid: number, because: string): SeenProcess | null {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (stat === '' || fields[0] === 'Z' || fields[0] === 'X') return null;
  const command = read(`/proc/${pid}/cmdline`).split('\0').join(' ').trim();
  return { pid, parent: Number(fields[1]), start: Number(fields[19]), command, because };
}

/** Whether it is still the same process. */
export function isStillThere(seen: SeenProcess): boolean {
  return lookAt(seen.pid, seen.because)?.start === seen.start;
}

/** Ends exactly this process, whatever it does about signals. */
export function killSeen(seen: SeenProcess): void {
  if (seen.pid <= 1 || !isStillThere(seen)) return;
  try {
    process.kill(seen.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** `NAME=value` of a live process's environment, as it was when it was executed. */
export function environmentOf(pid: number): Readonly<Record<string, string>> {
  const pairs = read(`/proc/${pid}/environ`).split('\0').filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

function connection(pid: number, folder: string): string | null {
  const mentions = (text: string) => text.split('\0').some((part) => part.includes(folder));
  if (mentions(read(`/proc/${pid}/environ`))) return 'environment';
  if (mentions(read(`/proc/${pid}/cmdline`))) return 'command line';
  if (link(`/proc/${pid}/cwd`).startsWith(folder)) return 'working folder';
  const open = list(`/proc/${pid}/fd`).find((fd) => link(`/proc/${pid}/fd/${fd}`).startsWith(folder));
  return open === undefined ? null : `open file ${open}`;
}

function allPids(): readonly number[] {
  return list('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 1);
}

// A process may end, or belong to someone else, between two looks: what cannot be read says nothing.
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
