import { readFileSync } from 'node:fs';
import { copiesOf } from './ask.ts';
import type { TestReeve } from './reeve.ts';
import { until } from './until.ts';

/** Whom tests kill. */

/** SIGKILL to this process; null: none. */
export function kill(pid: number | null | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid === undefined || pid === null || pid <= 1) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export const daemonOf = (reeve: TestReeve): number | undefined => copiesOf(reeve, 'reeved.js')[0];
export const keeperOf = (reeve: TestReeve): number | undefined => copiesOf(reeve, 'keeper.js')[0];

/** Kills the daemon, and resolves when it is gone. */
export async function killDaemon(reeve: TestReeve): Promise<void> {
  const pid = await until('a daemon is there', () => daemonOf(reeve));
  kill(pid);
  await until('the daemon is gone', () => !copiesOf(reeve, 'reeved.js').includes(pid));
}

/** A field of /proc/PID/status, as a number; 0 when it is gone. */
export function statusNumber(pid: number, field: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
