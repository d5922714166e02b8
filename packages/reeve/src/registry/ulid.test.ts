import { expect, test } from 'vitest';
import { ulids } from './ulid.ts';

test('an id is 26 letters that begin with its time', () => {
  const make = ulids(() => 1_469_918_176_385);
  expect(make()).toMatch(/^01ARYZ6S41[0-9A-HJKMNP-TV-Z]{16}$/);
});

test('each id is greater than the one before, even when the clock goes back', () => {
  let now = 2_000;
  const make = ulids(() => now);
  const made = Array.from({ length: 1000 }, (_, i) => {
    if (i % 3 === 0) now -= 1;
    return make();
  });
  expect([...made].sort()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
});

test.each([-1, -86_400_000, 2 ** 48, Number.MAX_SAFE_INTEGER])('TM4: a clock that shows %d makes ids too', (now) => {
  const made = [ulids(() => now), ulids(() => now)].flatMap((make) => [make(), make()]);
  for (const id of made) expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  expect(new Set(made).size).toBe(made.length);
});
