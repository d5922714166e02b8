import { ReeveError } from '@reeve/contract';
import { parseDuration } from '../../core/spec/durations.ts';
import { type Context, optionValue } from '../context.ts';

/** `--timeout 30s`, in milliseconds; null when it was not given. A bare number is seconds. */
export function durationOption(context: Context, name: string): number | null {
  const text = optionValue(context, name);
  return text === null ? null : readDuration(text, name);
}

export function readDuration(text: string, name: string): number {
  const length = parseDuration(/^\d+(\.\d+)?$/.test(text) ? `${text}s` : text);
  if (length !== null) return length;
  throw new ReeveError('USAGE', {
    message: `--${name} "${text}" is not a valid duration`,
    hint: 'for example 500ms, 30s, 5m, 1h',
  });
}

/** `-n 100`, or `all`: null. */
export function linesOption(context: Context, name: string, standard: number): number | null {
  const text = optionValue(context, name);
  return text === null ? standard : readLines(text, name);
}

export function readLines(text: string, name: string): number | null {
  if (text === 'all') return null;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ReeveError('USAGE', {
    message: `--${name} "${text}" is not a valid number of lines`,
    hint: 'for example 100, or all',
  });
}

/** `--since 10m` (ago) or a time; milliseconds since 1970. Null when it was not given. */
export function momentOption(context: Context, name: string, now: number): number | null {
  const text = optionValue(context, name);
  return text === null ? null : readMoment(text, name, now);
}

export function readMoment(text: string, name: string, now = Date.now()): number {
  const ago = parseDuration(text);
  if (ago !== null) return now - ago;
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new ReeveError('USAGE', {
    message: `--${name} "${text}" is not a valid time`,
    hint: 'a duration ago (10m, 2h, 1d) or a time (2026-11-21T10:00:00Z)',
  });
}

/** `api` or `api:2`. Throws USAGE: what could never be a name need not be asked for. */
export function selection(words: readonly string[]): readonly string[] {
  for (const word of words) {
    if (/^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}(:\d{1,6})?$/.test(word)) continue;
    throw new ReeveError('USAGE', {
      message: `"${word}" cannot be the name of a service`,
      hint: 'a name such as api, or one instance of it: api:0',
    });
  }
  return words;
}
