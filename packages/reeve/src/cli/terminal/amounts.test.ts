import { expect, test } from 'vitest';
import { count, humanBytes, humanDuration } from './amounts.ts';

test.each([
  [0, '0.0s'],
  [-5, '0.0s'],
  [949, '0.9s'],
  [4600, '4.6s'],
  [9_999, '9.9s'],
  [14_999, '14s'],
  [60_000, '1m 00s'],
  [125_000, '2m 05s'],
  [3_600_000 * 2 + 60_000 * 14, '2h 14m'],
  [86_400_000 * 3 + 3_600_000 * 4, '3d 4h'],
])('%i ms is shown as %s', (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});

test.each([
  [812, '812 B'],
  [41 * 1024 ** 2, '41 MB'],
  [1024 ** 3 * 1.25, '1.3 GB'],
  [1024 ** 4 * 3000, '3000 TB'],
])('%i bytes are shown as %s', (bytes, text) => {
  expect(humanBytes(bytes)).toBe(text);
});

test('one process, two processes', () => {
  expect(count(1, 'process', 'processes')).toBe('1 process');
  expect(count(2, 'process', 'processes')).toBe('2 processes');
  expect(count(0, 'service')).toBe('0 services');
});
