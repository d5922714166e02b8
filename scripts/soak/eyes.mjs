import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** The soak's own eyes: /proc and the folders of the home, without reeve's help. */

/** Live processes whose command line holds a text: `{ pid, command }`. A zombie has no command line. */
export function processesWith(text) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), command: commandOf(name) }))
    .filter(({ command }) => command.includes(text));
}

export function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
  } catch {
    return '';
  }
}

/**
 * Which of the marks two live processes bear. A look takes a while, in which one may end and the next begin: two are two
 * only if both still have their command line afterwards. The wrapper that enters the cgroup is not yet the program.
 */
export function doubles(known, base) {
  const seen = processesWith(`soak=${base};`).filter(({ command }) => !command.includes('reeve-'));
  const byMark = Map.groupBy ? Map.groupBy(seen, markOf) : groupBy(seen, markOf);
  return [...known].flatMap(([name, { mark }]) => {
    const found = byMark.get(mark) ?? [];
    if (found.length < 2) return [];
    const still = found.filter(({ pid }) => commandOf(pid).includes(mark) && !isForkOf(pid, found));
    return still.length < 2 ? [] : [`${name}: ${still.map(({ pid }) => pid).join(' and ')}`];
  });
}

/** A shell that forks to run a program bears its own command line for a moment: it is the child of the one seen. */
function isForkOf(pid, found) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return found.some((other) => other.pid === parent);
  } catch {
    return true;
  }
}

function markOf({ command }) {
  return /soak=\S*;svc=[^;]*;/.exec(command)?.[0] ?? '';
}

function groupBy(list, keyOf) {
  const groups = new Map();
  for (const each of list) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
}

/** Open descriptors and resident memory (MiB) of a process. */
export function sizeOf(pid) {
  try {
    const rss = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
    return { fds: readdirSync(`/proc/${pid}/fd`).length, rss: Math.round(rss) };
  } catch {
    return { fds: 0, rss: 0 };
  }
}

/** FIFOs below a folder, if it is there. */
export function fifosIn(folder) {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true }).filter((name) => isFifo(path.join(folder, name))).length;
}

function isFifo(file) {
  try {
    return statSync(file).isFIFO();
  } catch {
    return false;
  }
}

/** Folders of the runs of this home among the cgroups, wherever cgroup v2 is mounted; null: nowhere. */
export function cgroupsOf(pids) {
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type]) => type === 'cgroup2')?.[1];
  if (mount === undefined) return null;
  const around = new Set(pids.map((pid) => aroundRun(pid)).filter((each) => each !== null));
  return [...around].reduce((sum, each) => sum + foldersIn(path.join(mount, each)), 0);
}

function aroundRun(pid) {
  try {
    const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .split('\n')
      .find((each) => each.startsWith('0::'));
    return /^0::(.*\/reeve-[0-9a-f]{8})\//.exec(line ?? '')?.[1] ?? null;
  } catch {
    return null;
  }
}

function foldersIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).length;
}
