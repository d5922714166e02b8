import { createHash } from 'node:crypto';
import { isMark, LEAST_MARK } from '@reeve/contract';
import { readProc } from './proc-stat.ts';
import { loadSyscalls } from './syscalls.ts';

/** A mark made of random bytes (at least 7): 51 bits of them, so that no two homes or boots choose the same. */
export function markFrom(random: Uint8Array): number {
  const bits = random.slice(0, 7).reduce((value, byte) => value * 256n + BigInt(byte), 0n);
  return LEAST_MARK + Number(bits % 2n ** 51n);
}

/** Of the 51 bits, those that are the run's own; the others say whose instance it is. */
const OWN = 2n ** 15n;
const INSTANCES = 2n ** 36n;

/**
 * The mark of a run of this instance of this home. It tells whose it is where nothing else does: after the registry and
 * the journal are lost, of a process that has emptied its environment.
 */
export function markOfRun(home: string, id: string, random: Uint8Array): number {
  const own = BigInt(markFrom(random)) % OWN;
  return LEAST_MARK + Number(tagOf(home, id) * OWN + own);
}

/** Whether it is the mark of some run of this instance. */
export function isMarkOf(mark: number, home: string, id: string): boolean {
  return isMark(mark) && BigInt(mark - LEAST_MARK) / OWN === tagOf(home, id);
}

function tagOf(home: string, id: string): bigint {
  return createHash('sha256').update(`${home}\0${id}`).digest().readBigUInt64BE() % INSTANCES;
}

/** The mark that a process carries, also while it is a zombie; null: it has none, or is gone. Any user may look. */
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
