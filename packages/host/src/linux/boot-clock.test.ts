import { expect, test } from 'vitest';
import { parseBootOffset } from './boot-clock.ts';

test.each([
  ['monotonic           0         0\nboottime       100000         0\n', 10_000_000],
  ['monotonic       -5000         0\nboottime        -5000         0\n', -500_000],
  ['monotonic           0         0\nboottime           -1 500000000\n', -50],
  ['1 0 0\n7 12 0\n', 1200],
  ['monotonic           0         0\nboottime            0         0\n', 0],
  ['', 0],
])('PI6: the kernel adds to start times what %j says', (text, ticks) => {
  expect(parseBootOffset(text)).toBe(ticks);
});
