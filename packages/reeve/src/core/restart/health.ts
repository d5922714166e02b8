import type { HealthName, HealthSpec } from '@reeve/contract';
import type { Instant, Millis } from '../../base/instant.ts';

/** One answer to a health check. */
export interface Answer {
  readonly ok: boolean;
  /** One sentence without a full stop. */
  readonly what: string;
  /** By the wall clock. */
  readonly at: Instant;
  /** How long it took; null: the service said so itself, without being asked. */
  readonly ms: Millis | null;
}

/** What a run's health checks have said so far. */
export interface Health {
  readonly name: HealthName;
  /** Failures or successes in a row. */
  readonly failures: number;
  readonly successes: number;
  /** The newest last. */
  readonly history: readonly Answer[];
}
export const UNCHECKED: Health = { name: 'unknown', failures: 0, successes: 0, history: [] };

/** So many answers are kept. */
const HISTORY = 20;
/** An answer that came so much later (ms) than its time limit was held up on our side: it tells nothing of the service. */
const LATE: Millis = 1_000;

/**
 * One more answer. Unhealthy after `retries` failures in a row, healthy after `successes`; failures until `excusedUntil`
 * do not count unless it has been healthy before.
 */
export function judgeHealth(
  before: Health,
  answer: Answer,
  spec: Pick<HealthSpec, 'retries' | 'successes'>,
  excusedUntil: Instant,
  now: Instant,
): Health {
  const history = [...before.history, answer].slice(-HISTORY);
  if (answer.ok) {
    const successes = before.successes + 1;
    return { name: successes >= spec.successes ? 'healthy' : before.name, failures: 0, successes, history };
  }
  const isExcused = before.name === 'unknown' && now < excusedUntil;
  const failures = isExcused ? 0 : before.failures + 1;
  return { name: failures >= spec.retries ? 'unhealthy' : before.name, failures, successes: 0, history };
}

/** How long until the next question: one an interval, also when the last answer came before this state began. */
export function pauseUntilNext({ history }: Health, interval: Millis, now: Instant): Millis {
  const last = history.findLast(({ ms }) => ms !== null);
  return last === undefined ? 0 : Math.min(interval, Math.max(0, last.at + interval - now));
}

/** The daemon was stopped, or too busy to hear the answer in time: a failure then says nothing. */
export function isHeldUp(answer: { readonly ok: boolean; readonly ms: Millis }, timeout: Millis): boolean {
  return !answer.ok && answer.ms > timeout + LATE;
}

/** Whether a timer that was to ring after `delay` has rung so late that we must have been away meanwhile. */
export function wasAway(delay: Millis, passed: Millis): boolean {
  return passed > delay + LATE;
}
