import { expect, test } from 'vitest';
import type { Context } from '../context.ts';
import { durationOption, linesOption, momentOption, selection } from './read-options.ts';

function given(name: string, value?: string): Context {
  const options = new Map(value === undefined ? [] : [[name, value]]);
  return { args: { options } } as unknown as Context;
}

test('lengths of time: units as in the config, a bare number is seconds, nonsense is refused', () => {
  expect(durationOption(given('timeout', '500ms'), 'timeout')).toBe(500);
  expect(durationOption(given('timeout', '30s'), 'timeout')).toBe(30_000);
  expect(durationOption(given('timeout', '5'), 'timeout')).toBe(5_000);
  expect(durationOption(given('timeout', '0'), 'timeout')).toBe(0);
  expect(durationOption(given('timeout'), 'timeout')).toBeNull();
  for (const bad of ['soon', '5 s', '-3s', '1y', '']) {
    expect(() => durationOption(given('timeout', bad), 'timeout')).toThrow(/not a valid duration/);
  }
});

test('-n takes a number or all', () => {
  expect(linesOption(given('lines'), 'lines', 100)).toBe(100);
  expect(linesOption(given('lines', '7'), 'lines', 100)).toBe(7);
  expect(linesOption(given('lines', 'all'), 'lines', 100)).toBeNull();
  expect(() => linesOption(given('lines', '-7'), 'lines', 100)).toThrow(/not a valid number/);
});

test('moments are a while ago, or a time', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  expect(momentOption(given('since', '10m'), 'since', now)).toBe(now - 600_000);
  expect(momentOption(given('since', '2026-11-21T10:00:00Z'), 'since', now)).toBe(now - 7_200_000);
  expect(() => momentOption(given('since', 'yesterday'), 'since', now)).toThrow(/not a valid time/);
  expect(() => momentOption(given('since', '5'), 'since', now)).toThrow(/not a valid time/);
});

test('what could never be a name is refused before the daemon is asked', () => {
  expect(selection(['api', 'worker:2', '_x-1'])).toEqual(['api', 'worker:2', '_x-1']);
  for (const bad of ['a b', 'api:', '../x', '', '-x', 'a/b'])
    expect(() => selection([bad])).toThrow(/cannot be the name/);
});
