import { expect, test } from 'vitest';
import { decodeWait } from './syscalls.ts';

test('a wait status is either a code or a signal', () => {
  expect(decodeWait(0)).toEqual({ code: 0, signal: null });
  expect(decodeWait(37 << 8)).toEqual({ code: 37, signal: null });
  expect(decodeWait(9)).toEqual({ code: null, signal: 9 });
  expect(decodeWait(0x80 | 11)).toEqual({ code: null, signal: 11 });
});
