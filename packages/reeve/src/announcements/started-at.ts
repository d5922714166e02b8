import { uptime } from 'node:os';
import type { ProcessIdentity } from '@reeve/contract';

/** `sysconf(_SC_CLK_TCK)` on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** When a process of this boot started, by the wall clock: milliseconds since 1970, to about a tenth of a second. */
export function startedAt({ start }: Pick<ProcessIdentity, 'start'>): number {
  return Date.now() - uptime() * 1000 + (start * 1000) / TICKS_PER_SECOND;
}
