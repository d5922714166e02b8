import { readProc } from './proc-stat.ts';

/** Processor time that a process has used, in clock ticks, without that of its children; null: it has gone. */
export function cpuTicksOf(pid: number): number | null {
  const text = readProc(`/proc/${pid}/stat`);
  // The name may hold anything: only the last `)` ends it. utime and stime are fields 14 and 15 of proc(5).
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields?.[11]) + Number(fields?.[12]);
  return Number.isFinite(ticks) ? ticks : null;
}
