import { expect, test } from 'vitest';
import { matchWithin } from './match-within.ts';

test('a pattern is found or not', () => {
  expect(matchWithin('"status":\\s*"ok"', '{"status": "ok"}', 1000)).toBe('yes');
  expect(matchWithin('^ok$', 'not ok', 1000)).toBe('no');
});

test('a pattern that would backtrack forever is given up', () => {
  expect(matchWithin('(a+)+$', `${'a'.repeat(60_000)}b`, 20)).toBe('too slow');
  expect(matchWithin('a', 'a', 1000)).toBe('yes');
});

test('an invalid pattern is reported as such', () => {
  expect(matchWithin('(', 'x', 1000)).toBe('not a pattern');
});
