import { expect, test } from 'vitest';
import { keptFor } from './picture-age.ts';

test('a picture is shown for a second, and longer the more it costs: looking takes at most two percent of a processor', () => {
  expect(keptFor(3)).toBe(1_000);
  expect(keptFor(40)).toBe(2_000);
  expect(keptFor(10_000)).toBe(5_000);
});
