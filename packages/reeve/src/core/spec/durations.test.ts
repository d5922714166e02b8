import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoff } from '../restart/restart.ts';
import {
  formatDuration,
  LONGEST_DURATION,
  parseBackoff,
  parseBudget,
  parseDuration,
  parseSize,
  shortestCrashLoop,
} from './durations.ts';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['2s', 2000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['0', 0],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  test.each(['', '5', '5 s', '-1s', '5x', 's', '1h30m', '1e3s', '5S', '101d', 'soon', '0x1s', ' 5s', '5s\n'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );
  test('a formatted duration reads back as the same length', () => {
    fc.assert(
      fc.property(fc.nat(LONGEST_DURATION), (length) => {
        expect(parseDuration(formatDuration(length))).toBe(length);
      }),
    );
  });
  test.each([
    [151_500, '151.5s'],
    [5_400_000, '90m'],
    [3_600_000, '1h'],
    [250, '250ms'],
  ])('%d ms is written %s', (length, text) => {
    expect(formatDuration(length)).toBe(text);
  });
});

describe('sizes', () => {
  test.each([
    ['4096', 4096],
    ['1K', 1024],
    ['512M', 536_870_912],
    ['1.5G', 1_610_612_736],
    ['1T', 1_099_511_627_776],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
  test.each(['', '10MB', '1.5', '-1', '5 M', '10m', '9999999T'])('%j is none', (text) => {
    expect(parseSize(text)).toBeNull();
  });
});

describe('budgets and back-offs', () => {
  test('a budget is a count per period', () => {
    expect(parseBudget('5 per 60s')).toEqual({ count: 5, period: 60_000 });
  });
  test.each(['5', '0 per 60s', '5 per 0', '5 per', 'per 5s', '5/60s', '5 per soon', '-1 per 5s'])(
    '%j is not a budget',
    (text) => {
      expect(parseBudget(text)).toBeNull();
    },
  );
  test.each([
    ['500ms..30s', 500, 30_000],
    ['1s', 1000, 1000],
    ['0', 0, 0],
  ])('the back-off %s goes from %d to %d ms', (text, min, max) => {
    expect(parseBackoff(text)).toEqual({ min, max });
  });
  test.each(['30s..500ms', '0..5s', '1s..2s..3s', '..5s', '1s..', 'fast'])('%j is not a back-off', (text) => {
    expect(parseBackoff(text)).toBeNull();
  });
  test('the shortest crash loop is the sum of the delays that the restart account would give without jitter', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.nat(60_000),
        fc.integer({ min: 1, max: 20 }),
        (min, more, count) => {
          const range = { min, max: min + more };
          let sum = 0;
          for (let streak = 0; streak < count; streak++) sum += backoff(range, streak, 0.5);
          expect(shortestCrashLoop(range, count)).toBe(sum);
        },
      ),
    );
  });
});
