import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from '@reeve/contract';
import { isLiveState, readStat } from './proc-stat.ts';

const BIGGEST_PID = 2 ** 22;
let boot: string | null = null;

/** The kernel's id of this boot. Throws where /proc is not mounted: without it nothing can be identified. */
export function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}

/** Whether it can be the pid of a process that reeve may touch. Everything else (0, 1, -1, 1.5, text) never reaches kill(2). */
export function isPid(pid: unknown): pid is number {
  return typeof pid === 'number' && Number.isInteger(pid) && pid > 1 && pid <= BIGGEST_PID;
}

/** The identity of a live process; null when there is none with this pid (a zombie is not alive). */
export function identify(pid: number): ProcessIdentity | null {
  const stat = isPid(pid) ? readStat(pid) : null;
  return stat !== null && isLiveState(stat) ? { boot: bootId(), pid, start: stat.start } : null;
}

/** Whether exactly this process is alive: same boot, same pid, same start tick. */
export function isSame(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== null && now.boot === identity.boot && now.start === identity.start;
}

/** Our own identity. */
export function selfIdentity(): ProcessIdentity {
  const stat = readStat(process.pid);
  if (stat === null) throw new Error(`/proc/${process.pid}/stat cannot be read: is /proc mounted?`);
  return { boot: bootId(), pid: process.pid, start: stat.start };
}
