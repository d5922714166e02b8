import { type Dirent, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { lookAt, type SeenProcess } from './proc-scan.ts';
import { until } from './until.ts';

/**
 * A cgroup that the test puts around everything it starts: even a process that hides from every other look is counted
 * by the kernel. Only where cgroup v2 can be written (usually as root).
 */
export interface OutsideCgroup {
  /** Put before a command, it runs that command inside. */
  readonly enter: readonly string[];
  processes(): readonly SeenProcess[];
  remove(): Promise<void>;
}

export function outsideCgroup(name: string): OutsideCgroup | null {
  const mount = cgroup2Mount();
  if (mount === null) return null;
  const folder = path.join(mount, name);
  try {
    mkdirSync(folder);
  } catch {
    return null;
  }
  return {
    enter: ['sh', '-c', `echo $$ > '${folder}/cgroup.procs' && exec "$@"`, 'sh'],
    processes: () => tree(folder).flatMap((each) => members(each)),
    remove: () => remove(folder),
  };
}

/** Where cgroup v2 is mounted, perhaps beside v1. */
export function cgroup2Mount(): string | null {
  const line = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .find((mount) => mount.split(' ')[2] === 'cgroup2');
  return line?.split(' ')[1] ?? null;
}

/** A cgroup and all below it, deepest first. One that is removed meanwhile has nothing below it. */
function tree(folder: string): readonly string[] {
  const below = entriesOf(folder).filter((entry) => entry.isDirectory());
  return [...below.flatMap((entry) => tree(path.join(folder, entry.name))), folder];
}

function entriesOf(folder: string): readonly Dirent[] {
  return unlessGone(() => readdirSync(folder, { withFileTypes: true }), []);
}

function members(folder: string): readonly SeenProcess[] {
  const pids = procsOf(folder).split('\n').filter(Boolean).map(Number);
  return pids.flatMap((pid) => lookAt(pid, 'cgroup') ?? []);
}

function procsOf(folder: string): string {
  return unlessGone(() => readFileSync(path.join(folder, 'cgroup.procs'), 'utf8'), '');
}

/** A cgroup that is removed between two looks is empty. */
function unlessGone<T>(read: () => T, nothing: T): T {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV') return nothing;
    throw error;
  }
}

/** The kernel frees a cgroup a moment after its last process: try until it lets go. */
async function remove(folder: string): Promise<void> {
  await until(`the kernel gives up ${folder}`, () => {
    if (!existsSync(folder)) return true;
    try {
      for (const each of tree(folder)) rmdirSync(each);
      return true;
    } catch {
      return false;
    }
  });
}
