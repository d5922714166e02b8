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

describe('U12: one question an interval', () => {
  const at = (answers: readonly boolean[], ms: number | null): Health =>
    answers.reduce((health, ok, n) => judgeHealth(health, { ok, what: '', at: n * 100, ms }, spec, 0, 0), UNCHECKED);

  test('at once when it has not been asked, else an interval after the last answer, settled or not', () => {
    expect(pauseUntilNext(UNCHECKED, 5_000, 0)).toBe(0);
    for (const answers of [[true], [true, true], [true, true, false], [false, false, false, true]])
      expect(pauseUntilNext(at(answers, 1), 5_000, (answers.length - 1) * 100)).toBe(5_000);
    expect(pauseUntilNext(at([true], 1), 5_000, 1_000)).toBe(4_000);
    expect(pauseUntilNext(at([true], 1), 5_000, 9_000)).toBe(0);
  });

  test('what the service says of itself does not count as an answer, and a wall clock that jumps costs one interval', () => {
    expect(pauseUntilNext(at([true], null), 5_000, 0)).toBe(0);
    expect(pauseUntilNext(at([true], 1), 5_000, -(10 ** 9))).toBe(5_000);
    fc.assert(
      fc.property(
        fc.array(fc.boolean()),
        fc.integer({ min: 1, max: 10 ** 6 }),
        fc.integer(),
        (answers, interval, now) => {
          const next = pauseUntilNext(at(answers, 1), interval, now);
          expect(next >= 0 && next <= interval).toBe(true);
        },
      ),
    );
  });
});

test('HC8: a failure that came long after its time limit was held up on our side', () => {
  expect(isHeldUp({ ok: false, ms: 2_010 }, 2_000)).toBe(false);
  expect(isHeldUp({ ok: false, ms: 22_000 }, 2_000)).toBe(true);
  expect(isHeldUp({ ok: true, ms: 22_000 }, 2_000)).toBe(false);
  expect(wasAway(100, 130)).toBe(false);
  expect(wasAway(100, 20_000)).toBe(true);
});
