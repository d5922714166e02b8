import type { HealthName, HealthSpec } from '@reeve/contract';
import type { Instant } from '../base/instant.ts';

/** What a run's health checks have said so far. */
export interface Health {
  readonly name: HealthName;
  /** Failures or successes in a row. */
  readonly failures: number;
  readonly successes: number;
  /** The last answer, as a sentence. */
  readonly last: string | null;
}
export const UNCHECKED: Health = { name: 'unknown', failures: 0, successes: 0, last: null };

export interface Answer {
  readonly ok: boolean;
  readonly what: string;
}

/**
 * One more answer. Unhealthy after `retries` failures in a row, healthy after `successes`; failures in the start
 * period do not count until it has been healthy once.
 */
export function judgeHealth(
  before: Health,
  answer: Answer,
  spec: HealthSpec,
  startedAt: Instant,
  now: Instant,
): Health {
  if (answer.ok) {
    const successes = before.successes + 1;
    return { name: successes >= spec.successes ? 'healthy' : before.name, failures: 0, successes, last: answer.what };
  }
  const isExcused = before.name === 'unknown' && now < startedAt + spec.start_period;
  const failures = isExcused ? 0 : before.failures + 1;
  return { name: failures >= spec.retries ? 'unhealthy' : before.name, failures, successes: 0, last: answer.what };
}
