import type { StoredEvent } from '../registry.ts';

/** A story longer than this begins in the middle. */
const LONGEST = 12;

/**
 * How it came to this event: what caused it, what caused that, and so on, the beginning first and the event itself last.
 * `get`: an event by its number; null where it is not on record any more.
 */
export function chainOf(event: StoredEvent | null, get: (seq: number) => StoredEvent | null): readonly StoredEvent[] {
  const chain: StoredEvent[] = [];
  for (let next = event; next && chain.length < LONGEST; next = next.cause === null ? null : get(next.cause)) {
    // A cause has a smaller number than what it led to: a damaged record cannot lead round in a circle.
    const last = chain[0];
    if (last && next.seq >= last.seq) break;
    chain.unshift(next);
  }
  return chain;
}
