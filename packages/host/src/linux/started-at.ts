import type { ProcessIdentity } from '@reeve/contract';
import { bootTicks, TICKS_PER_SECOND } from './boot-clock.ts';

/** When a process of this boot started, by the wall clock: milliseconds since 1970, to about a tenth of a second. */
export function startedAt({ start }: Pick<ProcessIdentity, 'start'>): number {
  return Date.now() - ((bootTicks() - start) * 1000) / TICKS_PER_SECOND;
}
