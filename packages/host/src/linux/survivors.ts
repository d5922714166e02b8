import type { SignalRefusal } from '../signals.ts';
import { isLiveState, readProc, readStat, type Stat } from './proc-stat.ts';
import { uidOf } from './process-table.ts';
import { userNameOf } from './users.ts';

/** Why a process is still there, in one clause for a receipt. `refusal`: how the last attempt to signal it ended. */
export function explainSurvivor(pid: number, refusal: SignalRefusal | null): string {
  const stat = readStat(pid);
  if (stat === null || !isLiveState(stat)) return 'it has just exited';
  if (refusal === 'not_permitted') return `it belongs to ${userNameOf(uidOf(pid))}: not permitted to signal it`;
  if (refusal === 'unverifiable' || refusal === 'recycled') {
    return 'cannot verify that it is still the same process, so it was not touched';
  }
  if (refusal === 'protected') return 'it is reeve itself';
  return explainState(stat, readProc(`/proc/${pid}/wchan`) ?? '', tracerOf(pid));
}

/** `wait`: the kernel function it sleeps in, as far as the system tells. */
export function explainState(
  { state, threads }: Pick<Stat, 'state' | 'threads'>,
  wait: string,
  tracer: number,
): string {
  const where = /^[a-z_]/i.test(wait) ? ` in ${wait}` : '';
  if (/refrigerator|do_freezer_trap|cgroup_freeze/.test(wait)) return `it is frozen (cgroup freezer), state ${state}`;
  if (state === 'D')
    return `it is in an uninterruptible wait${where} (state D): it cannot be killed until that finishes`;
  if (state === 'Z') return `its main thread has exited, ${threads - 1} of its threads still running (state Z)`;
  if (state === 't') return `process ${tracer} traces it (state t)`;
  if (state === 'T') return 'it is stopped (state T)';
  return `it is still running${where} (state ${state})`;
}

function tracerOf(pid: number): number {
  return Number(/^TracerPid:\s*(\d+)$/m.exec(readProc(`/proc/${pid}/status`) ?? '')?.[1] ?? 0);
}
