import type { Exit, RestartSpec } from '@reeve/contract';
import type { Instant, Millis } from '../../base/instant.ts';
import type { Blame, BlameCode } from './blame.ts';

/** What is remembered to account for restarts. Monotonic instants. */
export interface Ledger {
  /** Automatic restarts since the last start from `stopped` or `failed`. */
  readonly restarts: number;
  /** When restarts were decided, newest first, as far back as the limit's period. */
  readonly recent: readonly Instant[];
  /** Restarts in a row without a healthy stretch: what the back-off doubles with. */
  readonly streak: number;
}
export const FRESH: Ledger = { restarts: 0, recent: [], streak: 0 };

/** A run that was ready this long starts the back-off from its beginning. */
export const HEALTHY_STRETCH: Millis = 60_000;
const JITTER = 0.25;

/** `unseen`: reeve was not there, and how it ended is unknown. That is neither a failure nor a success. */
export type Ending = 'well' | 'badly' | 'unseen';

export function isWell(exit: Exit | null): boolean {
  return exit?.kind === 'code' && exit.code === 0;
}

export type Decision =
  | { readonly do: 'rest'; readonly as: 'stopped' | 'completed' }
  | {
      readonly do: 'fail';
      readonly code: 'exit' | 'limit' | BlameCode;
      readonly why: string;
      readonly fix: string | null;
    }
  | { readonly do: 'restart'; readonly delay: Millis; readonly ledger: Ledger };

export interface Ended {
  readonly ending: Ending;
  readonly oneshot: boolean;
  /** How long it had been ready; null: never. */
  readonly readyFor: Millis | null;
  /** What happened, for the reason of `failed`. */
  readonly what: string;
  /** The program said at its end what a person must fix: a retry cannot help. */
  readonly blame: Blame | null;
  /** What it needs was away when it ended: that restart is not charged to the limit. */
  readonly isExcused: boolean;
}

/**
 * A program that was ready for this long has found its port, its modules and its config: whatever it says at its end is
 * not why it cannot start.
 */
const PROVEN: Millis = 10_000;

/** What comes after a run that ended without being asked to. Pure: time and chance are arguments. */
export function decide(ended: Ended, spec: RestartSpec, ledger: Ledger, now: Instant, chance: number): Decision {
  const { blame } = ended;
  if (ended.ending === 'badly' && blame && (ended.readyFor === null || ended.readyFor < PROVEN))
    return { do: 'fail', code: blame.code, why: `${ended.what}: ${blame.what}; ${blame.fix}`, fix: blame.fix };
  if (!wantsRestart(ended, spec)) {
    if (ended.ending === 'badly') return { do: 'fail', code: 'exit', why: ended.what, fix: null };
    return { do: 'rest', as: ended.oneshot && ended.ending === 'well' ? 'completed' : 'stopped' };
  }
  const recent = withinPeriod(ledger.recent, now, spec);
  const isExcused = ended.isExcused || ended.ending === 'unseen';
  if (!isExcused && spec.limit && recent.length >= spec.limit.count) {
    return {
      do: 'fail',
      code: 'limit',
      why: `${ended.what}; restarted ${spec.limit.count} times in ${spec.limit.period / 1000}s, the limit`,
      fix: null,
    };
  }
  const streak = ended.readyFor !== null && ended.readyFor >= HEALTHY_STRETCH ? 0 : ledger.streak;
  return {
    do: 'restart',
    delay: backoff(spec.backoff, streak, chance),
    ledger: {
      restarts: ledger.restarts + 1,
      recent: isExcused ? recent : [now, ...recent],
      streak: ended.ending === 'unseen' ? streak : streak + 1,
    },
  };
}

function wantsRestart(ended: Ended, spec: RestartSpec): boolean {
  switch (spec.policy) {
    case 'always':
    case 'unless-stopped':
      return !(ended.oneshot && ended.ending === 'well');
    case 'on-failure':
      return ended.ending !== 'well';
    case 'never':
      return false;
  }
}

function withinPeriod(recent: readonly Instant[], now: Instant, spec: RestartSpec): readonly Instant[] {
  const { limit } = spec;
  return limit ? recent.filter((at) => at > now - limit.period) : [];
}

/** min, 2·min, 4·min … up to max, each ±25 %, never above max. */
export function backoff(range: RestartSpec['backoff'], streak: number, chance: number): Millis {
  if (range.max === 0) return 0;
  const plain = Math.min(range.max, range.min * 2 ** Math.min(streak, 40));
  return Math.round(Math.min(range.max, plain * (1 - JITTER + 2 * JITTER * chance)));
}

/** "exited with code 3", "was killed by SIGKILL", … */
export function describeExit(exit: Exit | null): string {
  if (!exit) return 'ended';
  switch (exit.kind) {
    case 'code':
      return `exited with code ${exit.code}`;
    case 'signal':
      return `killed by ${exit.signal}`;
    case 'unobserved':
      return 'exit not observed';
  }
}
