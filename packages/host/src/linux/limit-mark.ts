import { isMark, LEAST_MARK } from '@reeve/contract';
import { readProc } from './proc-stat.ts';
import { loadSyscalls } from './syscalls.ts';

/** A mark made of random bytes (at least 7): 51 bits of them, so that no two homes or boots choose the same. */
export function markFrom(random: Uint8Array): number {
  const bits = random.slice(0, 7).reduce((value, byte) => value * 256n + BigInt(byte), 0n);
  return LEAST_MARK + Number(bits % 2n ** 51n);
}

/** The mark that a process carries, also while it is a zombie; null: it has none, or is gone. Anybody may look. */
export function markOf(pid: number): number | null {
  return parseMark(readProc(`/proc/${pid}/limits`, 'once') ?? '');
}

/** Source: proc(5), /proc/PID/limits. */
export function parseMark(text: string): number | null {
  const mark = Number(/^Max realtime timeout\s+(\d+)\s/m.exec(text)?.[1] ?? Number.NaN);
  return isMark(mark) ? mark : null;
}

/**
 * Takes the mark of a run off ourselves: a daemon or keeper that a service has started is none of its processes.
 * Does nothing without a binding, where no process was marked.
 */
export function dropMark(): void {
  const binding = loadSyscalls();
  if (!binding.available) return;
  const { hard } = binding.calls.limit('rttime');
  binding.calls.setLimit('rttime', { soft: hard, hard });
}
