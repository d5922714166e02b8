import type { Stall } from '@reeve/contract';
import type { Silence } from './peer-watch.ts';

/** A silence that is over, as it is reported. */
export function stallOf(program: Stall['program'], silence: Silence, end: Stall['end']): Stall {
  const { pid, at, ms, doing, during } = silence;
  return { program, pid, at: new Date(at).toISOString(), ms: Math.round(ms), doing, during, end };
}

/** This process was stopped by a signal for so long (ms) at most, and continues. */
export function stopOf(program: Stall['program'], most: number): Stall {
  const silence = { pid: process.pid, at: Date.now() - most, ms: most, doing: 'stopped by a signal', during: null };
  return stallOf(program, silence, 'continued');
}
