import type { Instant, Millis } from '../../base/instant.ts';

/**
 * What the comings and goings of its dependencies have done to an instance. A dependant acts once on an outage; the
 * more often it had to, the longer it waits for what it needs to stay, so that a flapping dependency does not make
 * everything above it flap.
 */
export interface Cascade {
  /** An outage that the present run lives through under `on_down: restart`. */
  readonly outage: Outage | null;
  /** When runs were ended because of a dependency, newest first. */
  readonly recent: readonly Instant[];
}
export interface Outage {
  readonly why: string;
  /** Since when everything is there again; null: it is not. */
  readonly back: Instant | null;
}
export const UNTOUCHED: Cascade = { outage: null, recent: [] };

/** How long an ended run is remembered here. */
const PERIOD: Millis = 120_000;
/** How long a dependency must have been back, the first time; doubles with each further one. */
const SETTLE: Millis = 1_000;
const LONGEST_SETTLE: Millis = 30_000;

/** A run is ended because of a dependency. */
export function noteCascade({ recent }: Cascade, now: Instant): Cascade {
  return { outage: null, recent: [now, ...within(recent, now)] };
}

/** How long what it needs must have been back before a run that lived through the outage is replaced. */
export function settleTime({ recent }: Cascade, now: Instant): Millis {
  return Math.min(LONGEST_SETTLE, SETTLE * 2 ** Math.min(20, within(recent, now).length));
}

/** How long a service that was stopped with its dependency stays down at least: the first time not at all. */
export function restTime(cascade: Cascade, now: Instant): Millis {
  return within(cascade.recent, now).length === 0 ? 0 : settleTime(cascade, now);
}

function within(recent: readonly Instant[], now: Instant): readonly Instant[] {
  return recent.filter((at) => at > now - PERIOD);
}
