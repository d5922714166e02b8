import type { Millis } from '../../base/instant.ts';

const STEPS = [
  ['d', 86_400_000, 'h', 3_600_000],
  ['h', 3_600_000, 'm', 60_000],
  ['m', 60_000, 's', 1000],
] as const;

/** A length of time for people: `0.9s`, `14s`, `2m 05s`, `2h 14m`, `3d 4h`. */
export function humanDuration(length: Millis): string {
  const ms = Math.max(0, length);
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  if (ms < 60_000) return `${Math.floor(ms / 1000)}s`;
  for (const [big, size, small, part] of STEPS) {
    if (ms < size) continue;
    const rest = Math.floor((ms % size) / part);
    return `${Math.floor(ms / size)}${big} ${big === 'd' ? rest : String(rest).padStart(2, '0')}${small}`;
  }
  return `${Math.floor(ms / 1000)}s`;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Bytes for people, powers of 1024: `812 B`, `41 MB`, `1.2 GB`. */
export function humanBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  const shown = unit > 2 && amount < 10 ? amount.toFixed(1) : String(Math.round(amount));
  return `${shown} ${UNITS[unit]}`;
}

/** `1 service`, `5 services`. */
export function count(amount: number, noun: string, plural = `${noun}s`): string {
  return `${amount} ${amount === 1 ? noun : plural}`;
}

/** Local date: `2026-11-20`. */
export function localDate(at: number): string {
  const d = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${String(d.getFullYear()).padStart(4, '0')}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

/** Local clock time with milliseconds: `10:14:02.113`. */
export function clockTime(at: number): string {
  const d = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  const ms = String(d.getMilliseconds()).padStart(3, '0');
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${ms}`;
}

/** `10:02`, with the date when it is not today: `Nov 20 10:02`. */
export function sinceTime(at: number, now: number): string {
  const [then, today] = [new Date(at), new Date(now)];
  const time = clockTime(at).slice(0, 5);
  if (then.toDateString() === today.toDateString()) return time;
  const [, month = '', day = ''] = then.toDateString().split(' ');
  return `${month} ${day} ${time}`;
}
