import { expect, test } from 'vitest';
import { isNewEnough } from './driver.ts';

test.each([
  ['3.51.3', true],
  ['3.51.10', true],
  ['3.52.0', true],
  ['4.0', true],
  ['3.51.2', false],
  ['3.50.4', false],
  ['3.9.9', false],
  ['2.99.99', false],
  ['nonsense', false],
])('DB14: SQLite %s is new enough: %s', (version, answer) => {
  expect(isNewEnough(version)).toBe(answer);
});
