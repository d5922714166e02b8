import { isMark } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { markFrom, parseMark } from './limit-mark.ts';

const limits = (soft: string) => `Limit                     Soft Limit           Hard Limit           Units
Max realtime priority     0                    0
Max realtime timeout      ${soft.padEnd(20)} unlimited            us
`;

describe('a limit mark', () => {
  test('is a whole number of microseconds that JSON holds exactly, and too many to have an effect', () => {
    for (const byte of [0, 1, 127, 255]) {
      const mark = markFrom(new Uint8Array(8).fill(byte));
      expect(isMark(mark)).toBe(true);
      expect(Number.isSafeInteger(mark)).toBe(true);
      expect(mark / 1e6 / 3600 / 24 / 365).toBeGreaterThan(71);
    }
  });

  test('differs with the random bytes it is made of', () => {
    expect(markFrom(new Uint8Array([0, 0, 0, 0, 0, 0, 1]))).not.toBe(markFrom(new Uint8Array([0, 0, 0, 0, 0, 0, 2])));
  });

  test('is read from the limits of a process; no limit and a usual limit are not a mark', () => {
    expect(parseMark(limits('4503599627370497'))).toBe(4503599627370497);
    expect(parseMark(limits('unlimited'))).toBeNull();
    expect(parseMark(limits('200000'))).toBeNull();
    expect(parseMark('')).toBeNull();
  });
});
