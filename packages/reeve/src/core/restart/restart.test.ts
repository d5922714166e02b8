import type { RestartSpec } from '@reeve/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoff, decide, type Ended, FRESH, HEALTHY_STRETCH } from './restart.ts';

const spec = (over: Partial<RestartSpec> = {}): RestartSpec => ({
  policy: 'on-failure',
  backoff: { min: 500, max: 30_000 },
  limit: { count: 5, period: 60_000 },
  ...over,
});
const ended = (over: Partial<Ended> = {}): Ended => ({
  ending: 'badly',
  oneshot: false,
  readyFor: null,
  what: 'exited with code 1',
  blame: null,
  isExcused: false,
  ...over,
});

describe('policy × ending', () => {
  const cases: [RestartSpec['policy'], Ended['ending'], boolean, string][] = [
    ['always', 'well', false, 'restart'],
    ['always', 'badly', false, 'restart'],
    ['unless-stopped', 'well', false, 'restart'],
    ['on-failure', 'well', false, 'rest stopped'],
    ['on-failure', 'badly', false, 'restart'],
    ['never', 'well', false, 'rest stopped'],
    ['never', 'badly', false, 'fail'],
    ['never', 'well', true, 'rest completed'],
    ['never', 'badly', true, 'fail'],
    ['always', 'well', true, 'rest completed'],
    ['always', 'unseen', false, 'restart'],
    ['on-failure', 'unseen', false, 'restart'],
    ['never', 'unseen', false, 'rest stopped'],
    ['never', 'unseen', true, 'rest stopped'],
  ];
  test.each(cases)('%s, ended %s, one-shot %s: %s', (policy, ending, oneshot, expected) => {
    const d = decide(ended({ ending, oneshot }), spec({ policy }), FRESH, 0, 0.5);
    expect(d.do === 'rest' ? `rest ${d.as}` : d.do).toBe(expected);
  });
});

describe('the limit', () => {
  test('five restarts in a minute are made, the sixth is refused with the count in its reason', () => {
    let ledger = FRESH;
    for (let i = 0; i < 5; i++) {
      const d = decide(ended(), spec(), ledger, i * 1000, 0.5);
      if (d.do !== 'restart') throw new Error(d.do);
      ledger = d.ledger;
    }
    expect(decide(ended(), spec(), ledger, 5000, 0.5)).toMatchObject({
      do: 'fail',
      code: 'limit',
      why: expect.stringContaining('5 times in 60s'),
    });
  });
  test('restarts older than the period do not count', () => {
    const ledger = { restarts: 5, recent: [5, 4, 3, 2, 1], streak: 5 };
    expect(decide(ended(), spec(), ledger, 61_000, 0.5).do).toBe('restart');
  });
  test('no window of a period ever holds more restarts than the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 60 }), (gaps) => {
        let now = 0;
        let ledger = FRESH;
        const made: number[] = [];
        for (const gap of gaps) {
          now += gap;
          const d = decide(ended(), spec(), ledger, now, 0.5);
          if (d.do !== 'restart') continue;
          made.push(now);
          ledger = d.ledger;
        }
        for (const at of made)
          expect(made.filter((other) => other > at - 60_000 && other <= at).length).toBeLessThanOrEqual(5);
      }),
    );
  });
});

describe('back-off', () => {
  test('doubles from the minimum, stays within a quarter around it and never above the maximum', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 0.999, noNaN: true }), (streak, chance) => {
        const delay = backoff({ min: 500, max: 30_000 }, streak, chance);
        const plain = Math.min(30_000, 500 * 2 ** streak);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(plain * 0.75));
        expect(delay).toBeLessThanOrEqual(Math.min(30_000, Math.ceil(plain * 1.25)));
      }),
    );
  });
  test('zero means at once', () => {
    expect(backoff({ min: 0, max: 0 }, 7, 0.9)).toBe(0);
  });
  test('a long healthy run starts it from its beginning', () => {
    const tired = { restarts: 4, recent: [], streak: 4 };
    const d = decide(ended({ readyFor: HEALTHY_STRETCH }), spec(), tired, 1e6, 0.5);
    expect(d).toMatchObject({ do: 'restart', delay: 500 });
  });
});

test('U1: an end that was not observed is not a failure: neither is the limit charged nor does the pause grow', () => {
  let ledger = FRESH;
  for (let i = 0; i < 20; i++) {
    const d = decide(ended({ ending: 'unseen' }), spec(), ledger, i * 1000, 0.5);
    if (d.do !== 'restart') throw new Error(d.do);
    expect(d.delay).toBe(500);
    ledger = d.ledger;
  }
  expect(ledger).toEqual({ restarts: 20, recent: [], streak: 0 });
});
