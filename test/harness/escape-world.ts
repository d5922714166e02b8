import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Receipt, ReceiptProcess } from '@reeve/contract';
import { cgroup2Mount } from './outside-cgroup.ts';
import { isStillThere, killSeen, type SeenProcess } from './proc-scan.ts';
import { program } from './program.ts';
import { startReeve, type TestReeve } from './reeve.ts';
import { until } from './until.ts';

/** As whom, and with what, reeve has to find its processes again. */
export interface World {
  readonly name: string;
  readonly hasCgroup: boolean;
  /** `off`: trackers switched off besides what the world lacks. */
  readonly start: (off?: readonly string[]) => TestReeve;
}

const isRoot = process.getuid?.() === 0;
const trackersOff = (names: readonly string[]) => (names.length === 0 ? {} : { REEVE_TRACKERS_OFF: names.join(',') });

/** Those that can be had here: an ordinary user has one, root all three. */
export const worlds: readonly World[] = [
  ...(isRoot && cgroup2Mount() !== null
    ? [
        {
          name: 'as root',
          hasCgroup: true,
          start: (off: readonly string[] = []) => startReeve({ env: trackersOff(off) }),
        },
      ]
    : []),
  ...(isRoot
    ? [
        {
          name: 'as root without a cgroup',
          hasCgroup: false,
          start: (off: readonly string[] = []) => startReeve({ env: trackersOff(['cgroup', ...off]) }),
        },
      ]
    : []),
  {
    name: 'as an ordinary user',
    hasCgroup: false,
    start: (off = []) => startReeve({ env: trackersOff(['cgroup', ...off]), asNobody: isRoot }),
  },
];

/** All but reeve's own processes. */
export function servicesAlive(reeve: TestReeve): readonly SeenProcess[] {
  return reeve.outside().filter(({ command }) => !/\/(?:reeved|keeper)\.js(?: |$)/.test(command));
}

/** The pid that a program has written into a file of the project. */
export function pidIn(reeve: TestReeve, file: string): Promise<number> {
  const whole = path.join(reeve.folder, file);
  return until(`${file} is written`, () => (existsSync(whole) ? Number(readFileSync(whole, 'utf8')) || null : null));
}

/** Stops everything and demands that no process is left; resolves with the receipt. */
export async function stopAll(reeve: TestReeve): Promise<Receipt> {
  const receipt = await reeve.json<Receipt>(['stop']);
  await until('no process is left', () => servicesAlive(reeve).length === 0, 3_000);
  return receipt;
}

export function processIn(receipt: Receipt, pid: number): ReceiptProcess | undefined {
  return receipt.services.flatMap(({ processes }) => processes).find((each) => each.pid === pid);
}

/** After a twin has shown that a process escapes: it is ended by the test. */
export async function endEscaped(reeve: TestReeve): Promise<void> {
  const left = servicesAlive(reeve);
  for (const each of left) killSeen(each);
  await until('they are gone', () => !left.some(isStillThere));
}

/** argv of a program that forks and ends every half millisecond for a while; as C where there is a compiler. */
export function hopper(reeve: TestReeve, note: string, setsid: 0 | 1): readonly string[] {
  const file = path.join(reeve.folder, 'hopper');
  const argv = [path.join(reeve.folder, note), '500', '30', String(setsid)];
  try {
    execFileSync('cc', ['-O1', '-o', file, path.resolve(import.meta.dirname, '../programs/hopper.c')]);
    chmodSync(file, 0o755);
    return [file, ...argv];
  } catch {
    return program('hopper', ...argv);
  }
}
