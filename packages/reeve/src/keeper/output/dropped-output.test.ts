import { expect, test } from 'vitest';
import { LossCount } from './dropped-output.ts';

test('an episode begins once, counts everything, and ends when writing has gone well for a second', () => {
  const count = new LossCount();
  expect(count.lost(10, 'ENOSPC', 1000)).toBe(true);
  expect(count.lost(5, 'ENOSPC', 1500)).toBe(false);
  expect(count.wrote(2000)).toBeNull();
  expect(count.wrote(2500)).toEqual({ bytes: 15, why: 'ENOSPC' });
  expect(count.wrote(9000)).toBeNull();
  expect(count.lost(1, 'EIO', 9100)).toBe(true);
});

test('the end of a run ends its episode', () => {
  const count = new LossCount();
  expect(count.end()).toBeNull();
  count.lost(3, 'EIO', 0);
  expect(count.end()).toEqual({ bytes: 3, why: 'EIO' });
  expect(count.end()).toBeNull();
});
