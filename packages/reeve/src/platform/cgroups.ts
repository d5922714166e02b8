import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupOf, readProc } from '@reeve/host';
import { aroundLeaf } from './unit-leaf.ts';

/** A cgroup v2 hierarchy in which this user can make folders and put processes. */
export interface CgroupTree {
  /** The folder of a cgroup path as processes show it (`0::PATH`). */
  folderOf(path: string): string;
  /** Makes an empty cgroup. Throws the ErrnoException of mkdir(2). */
  make(name: string): { readonly folder: string; readonly path: string };
  /** Removes the folder around all runs of the home; it stays while a run has its own in it. */
  prune(): void;
}
export type CgroupFinding =
  | { readonly tree: CgroupTree; readonly why: string }
  | { readonly tree: null; readonly why: string };

/**
 * Looks for a place to make cgroups: below our own (under a unit of ours: beside our leaf), in a folder of the home. Whether it works is tried, by making one,
 * entering it and removing it. Never throws: no cgroup is a fact with a reason.
 */
export function findCgroups(home: string): CgroupFinding {
  const mount = parseCgroupMount(readProc('/proc/self/mountinfo') ?? '');
  if (mount === null) return { tree: null, why: 'no cgroup v2 is mounted' };
  const own = cgroupOf('self');
  if (own === null) return { tree: null, why: 'this process is in no cgroup v2' };
  const tree = treeAt(mount, aroundLeaf(own), cgroupsName(home));
  try {
    probe(tree);
    return { tree, why: `cgroup v2 at ${mount.point}` };
  } catch (error) {
    return { tree: null, why: `no writable cgroup: ${reasonOf(error)}` };
  }
}

/** The folder around the cgroups of all runs of a home. */
export function cgroupsName(home: string): string {
  return `reeve-${createHash('sha256').update(home).digest('hex').slice(0, 8)}`;
}

export interface CgroupMount {
  /** Where it is mounted. */
  readonly point: string;
  /** Which cgroup is mounted there: `/`, but in some containers. */
  readonly root: string;
}

/** The first cgroup2 mount. Source: proc(5), mountinfo. */
export function parseCgroupMount(mountinfo: string): CgroupMount | null {
  for (const line of mountinfo.split('\n')) {
    const [fields = '', rest = ''] = line.split(' - ');
    const [, , , root, point] = fields.split(' ');
    if (rest.startsWith('cgroup2 ') && root && point) return { point: decodeOctal(point), root: decodeOctal(root) };
  }
  return null;
}

/** Blanks in a mount point are written as octal numbers. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function treeAt(mount: CgroupMount, own: string, name: string): CgroupTree {
  const base = join(own, name);
  const folderOf = (path: string) => {
    const isBelow = mount.root !== '/' && (path === mount.root || path.startsWith(`${mount.root}/`));
    return join(mount.point, isBelow ? path.slice(mount.root.length) : path);
  };
  return {
    folderOf,
    make(child) {
      const path = join(base, child);
      mkdirSync(folderOf(base), { recursive: true });
      mkdirSync(folderOf(path));
      return { folder: folderOf(path), path };
    },
    prune() {
      removeFolder(folderOf(base));
    },
  };
}

/** The same steps as a real start: only entering shows whether entering is allowed. */
function probe(tree: CgroupTree): void {
  const { folder } = tree.make(`probe.${process.pid}`);
  try {
    execFileSync('sh', ['-c', 'echo 0 >"$1/cgroup.procs"', 'reeve-enter', folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    accessSync(join(folder, 'cgroup.kill'), constants.W_OK); // Linux 5.14
  } finally {
    removeCgroup(folder);
    tree.prune();
  }
}

function reasonOf(error: unknown): string {
  const { code, message, stderr } = error as NodeJS.ErrnoException & { readonly stderr?: Buffer };
  return code ?? (stderr?.toString().trim() || message);
}

/** Whether a process lives in a cgroup or below it. A cgroup that is not there has none. */
export function isPopulated(folder: string): boolean {
  return /^populated 1$/m.test(readProc(join(folder, 'cgroup.events'), 'once') ?? '');
}

/** Continues what was frozen in it (cgroup.freeze): a frozen process cannot react to a stop signal. */
export function thaw(folder: string): void {
  if (!/^frozen 1$/m.test(readProc(join(folder, 'cgroup.events'), 'once') ?? '')) return;
  write(join(folder, 'cgroup.freeze'), '0');
}

/** SIGKILL to everything in it and below it, also to what is being forked. false: there is no such cgroup. */
export function killCgroup(folder: string): boolean {
  return write(join(folder, 'cgroup.kill'), '1');
}

/**
 * Every process in it and below it. A process whose main thread has ended may be missing from `cgroup.procs`: with
 * `threads` it is found by the threads that still run (slower: one file a thread).
 */
export function membersOf(folder: string, look: 'processes' | 'threads'): ReadonlySet<number> {
  const pids = new Set<number>();
  for (const each of [folder, ...below(folder)]) {
    for (const pid of numbers(join(each, 'cgroup.procs'))) pids.add(pid);
    if (look === 'processes') continue;
    for (const tid of numbers(join(each, 'cgroup.threads'))) {
      const tgid = pids.has(tid)
        ? tid
        : Number(/^Tgid:\s*(\d+)$/m.exec(readProc(`/proc/${tid}/status`) ?? '')?.[1] ?? 0);
      if (tgid > 0) pids.add(tgid);
    }
  }
  pids.delete(0); // a process outside our PID namespace
  return pids;
}

/** Removes a cgroup and those below it, deepest first. Throws EBUSY while a process is in it. */
export function removeCgroup(folder: string): void {
  if (removeFolder(folder)) return;
  for (const each of [...below(folder).reverse(), folder]) {
    if (!removeFolder(each)) throw Object.assign(new Error(`EBUSY: processes are in ${each}`), { code: 'EBUSY' });
  }
}

/** false: there are processes in it, or cgroups below it. */
function removeFolder(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
    if (code === 'ENOENT') return true;
    throw error;
  }
}

/** The cgroups below one, parents before their children. */
function below(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => [join(folder, entry.name), ...below(join(folder, entry.name))]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV') return []; // removed while we looked
    throw error;
  }
}

function numbers(file: string): readonly number[] {
  return (readProc(file) ?? '').split('\n').filter(Boolean).map(Number);
}

function write(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'r+' });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV') return false;
    throw error;
  }
}
