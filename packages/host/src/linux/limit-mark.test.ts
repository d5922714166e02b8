import { isMark } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { isMarkOf, markFrom, markOfRun, parseMark } from './limit-mark.ts';

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

  test('U21: tells whose instance of which home its run is of', () => {
    for (const byte of [0, 1, 127, 255]) {
      const mark = markOfRun('/a/one', '0123456789ab', new Uint8Array(8).fill(byte));
      expect(isMark(mark)).toBe(true);
      expect(isMarkOf(mark, '/a/one', '0123456789ab')).toBe(true);
      expect(isMarkOf(mark, '/a/two', '0123456789ab')).toBe(false);
      expect(isMarkOf(mark, '/a/one', '0123456789ac')).toBe(false);
    }
    const [one, other] = [1, 2].map((byte) => markOfRun('/a/one', '0123456789ab', new Uint8Array(8).fill(byte)));
    expect(one).not.toBe(other);
    expect(isMarkOf(200_000, '/a/one', '0123456789ab')).toBe(false);
  });

  test('is read from the limits of a process; no limit and a usual limit are not a mark', () => {
    expect(parseMark(limits('4503599627370497'))).toBe(4503599627370497);
    expect(parseMark(limits('unlimited'))).toBeNull();
    expect(parseMark(limits('200000'))).toBeNull();
    expect(parseMark('')).toBeNull();
  });
});
