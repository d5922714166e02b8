import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Health, isHeldUp, judgeHealth, pauseUntilNext, UNCHECKED, wasAway } from './health.ts';

const spec = { retries: 3, successes: 2 };
const judge = (answers: readonly boolean[], from: Health = UNCHECKED, excusedUntil = 0): Health =>
  answers.reduce(
    (health, ok, n) => judgeHealth(health, { ok, what: String(n), at: n, ms: 1 }, spec, excusedUntil, n),
    from,
  );

describe('HC5: hysteresis', () => {
  test('it takes `retries` failures in a row to fall, and `successes` in a row to rise', () => {
    expect(judge([true]).name).toBe('unknown');
    expect(judge([true, true]).name).toBe('healthy');
    expect(judge([true, true, false, false]).name).toBe('healthy');
    expect(judge([true, true, false, false, false]).name).toBe('unhealthy');
    expect(judge([true, true, false, false, false, true]).name).toBe('unhealthy');
    expect(judge([true, true, false, false, false, true, true]).name).toBe('healthy');
  });

  test('a service that answers yes and no in turn never changes its name', () => {
    const turns = Array.from({ length: 100 }, (_, n) => n % 2 === 0);
    expect(judge([true, true, ...turns]).name).toBe('healthy');
    expect(judge([false, false, false, ...turns]).name).toBe('unhealthy');
  });
});

test('failures in the start period do not count, unless it has been healthy before', () => {
  expect(judge(Array(50).fill(false), UNCHECKED, 1_000).name).toBe('unknown');
  expect(judge([true, true, false, false, false], UNCHECKED, 1_000).name).toBe('unhealthy');
});

test('the last answers are kept, the newest last', () => {
  const { history } = judge(Array(50).fill(true));
  expect(history).toHaveLength(20);
  expect(history.at(-1)?.what).toBe('49');
});

test('it is asked more often while the verdict may change, and never less often than the interval', () => {
  expect(pauseUntilNext(judge([true, true]), 5_000)).toBe(5_000);
  expect(pauseUntilNext(judge([true, true, false]), 5_000)).toBe(1_250);
  expect(pauseUntilNext(judge([false, false, false]), 5_000)).toBe(5_000);
  expect(pauseUntilNext(judge([false, false, false, true]), 5_000)).toBe(1_250);
  expect(pauseUntilNext(UNCHECKED, 400)).toBe(250);
  fc.assert(
    fc.property(fc.array(fc.boolean()), fc.integer({ min: 1, max: 10 ** 6 }), (answers, interval) => {
      const next = pauseUntilNext(judge(answers), interval);
      expect(next > 0 && next <= interval).toBe(true);
    }),
  );
});

test('HC8: a failure that came long after its time limit was held up on our side', () => {
  expect(isHeldUp({ ok: false, ms: 2_010 }, 2_000)).toBe(false);
  expect(isHeldUp({ ok: false, ms: 22_000 }, 2_000)).toBe(true);
  expect(isHeldUp({ ok: true, ms: 22_000 }, 2_000)).toBe(false);
  expect(wasAway(100, 130)).toBe(false);
  expect(wasAway(100, 20_000)).toBe(true);
});
