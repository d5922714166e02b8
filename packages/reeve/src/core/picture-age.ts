/** A picture of the machine may cost this share of a processor, and no more, however often clients ask. */
const SHARE = 1 / 50;
/** Milliseconds. */
const SHORTEST = 1_000;
const LONGEST = 5_000;

/** For how long a picture is shown that has taken so much processor time. Both in milliseconds. */
export function keptFor(cost: number): number {
  return Math.min(LONGEST, Math.max(SHORTEST, cost / SHARE));
}
