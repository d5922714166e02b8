import type { Millis } from '../../base/instant.ts';

/** How durations, sizes, budgets and back-offs are written in a config and on the command line. */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Nothing here is meant to wait longer than a season. */
export const LONGEST_DURATION: Millis = 100 * 86_400_000;

export const DURATION_PATTERN = '^(0|[0-9]{1,9}(\\.[0-9]{1,3})?(ms|s|m|h|d))$';
const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;

/** `500ms`, `2s`, `5m`, `1h`, `7d`, or `0`. Milliseconds; null when it is not one. */
export function parseDuration(text: string): Millis | null {
  if (text === '0') return 0;
  const m = DURATION.exec(text);
  if (!m) return null;
  const length = Math.round(Number(m[1]) * (UNITS[m[2] as string] as number));
  return length <= LONGEST_DURATION ? length : null;
}

/** In the largest unit that divides it, else in seconds: `90m`, `1.5s`. Reads back as the same length. */
export function formatDuration(length: Millis): string {
  if (length === 0) return '0';
  if (length < 1000) return `${length}ms`;
  const whole = Object.entries(UNITS).findLast(([unit, ms]) => unit !== 'ms' && length % ms === 0);
  return whole ? `${length / whole[1]}${whole[0]}` : `${length / 1000}s`;
}

const SIZES: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };
export const SIZE_PATTERN = '^[0-9]{1,15}(\\.[0-9]{1,3})?[KMGT]?$';
const SIZE = /^(\d{1,15}(?:\.\d{1,3})?)([KMGT]?)$/;

/** Bytes, or K M G T = powers of 1024: `10M`, `1.5G`, `4096`. Null when it is not one. */
export function parseSize(text: string): number | null {
  const m = SIZE.exec(text);
  if (!m) return null;
  const bytes = Number(m[1]) * (SIZES[m[2] as string] as number);
  if (m[2] === '' && !Number.isInteger(bytes)) return null;
  return bytes <= Number.MAX_SAFE_INTEGER ? Math.round(bytes) : null;
}

export interface Budget {
  readonly count: number;
  readonly period: Millis;
}
export const BUDGET_PATTERN = '^([1-9][0-9]{0,5} per .+|none)$';

/** `5 per 60s`. Null when it is not one; `none` is the caller's business. */
export function parseBudget(text: string): Budget | null {
  const m = /^([1-9]\d{0,5})\s+per\s+(\S+)$/.exec(text);
  const period = m ? parseDuration(m[2] as string) : null;
  return m && period !== null && period > 0 ? { count: Number(m[1]), period } : null;
}

export interface Backoff {
  readonly min: Millis;
  readonly max: Millis;
}

/** `500ms..30s`, one duration for a delay that stays the same, or `0` for at once. Null when it is not one. */
export function parseBackoff(text: string): Backoff | null {
  const [low, high, more] = text.split('..');
  if (low === undefined || more !== undefined) return null;
  const min = parseDuration(low.trim());
  const max = high === undefined ? min : parseDuration(high.trim());
  return min === null || max === null || min > max || (min === 0 && max > 0) ? null : { min, max };
}

/**
 * How long `count` restarts of a service that dies at once take, with the declared back-off, doubling, without jitter.
 * A budget can trigger only when this is shorter than its period.
 */
export function shortestCrashLoop(backoff: Backoff, count: number): Millis {
  let total = 0;
  let delay = backoff.min;
  for (let i = 0; i < count && total <= LONGEST_DURATION; i++) {
    total += Math.min(delay, backoff.max);
    delay *= 2;
  }
  return total;
}
