import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutAt } from './segment-cut.ts';

const text = (value: string) => Buffer.from(value);

test('a chunk that fits goes in whole', () => {
  expect(cutAt(text('abc'), { size: 0, max: 3, lineOpen: false })).toBe(3);
});

test('the cut is after the last newline that fits', () => {
  expect(cutAt(text('aa\nbb\ncc\n'), { size: 0, max: 7, lineOpen: false })).toBe(6);
});

test('a segment that ends with a whole line takes no part of a line that does not fit', () => {
  expect(cutAt(text('abcdef\n'), { size: 6, max: 8, lineOpen: false })).toBe(0);
});

test('a line that began in the segment ends in it', () => {
  expect(cutAt(text('def\nghi\n'), { size: 8, max: 8, lineOpen: true })).toBe(4);
});

test('a line without an end is torn at twice the size', () => {
  expect(cutAt(Buffer.alloc(100, 'x'), { size: 0, max: 10, lineOpen: false })).toBe(20);
  expect(cutAt(Buffer.alloc(100, 'x'), { size: 20, max: 10, lineOpen: true })).toBe(0);
});

test('however the text is chunked, nothing is lost, and lines that are short enough are never torn', () => {
  const lines = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(lines, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 32, max: 90 }), (lengths, step, max) => {
      const whole = text(lengths.map((length, n) => `${String(n % 10).repeat(length)}\n`).join(''));
      const files: string[] = [''];
      for (let from = 0; from < whole.length; from += step) {
        let chunk = whole.subarray(from, from + step);
        while (chunk.length > 0) {
          const now = files.at(-1) ?? '';
          const cut = cutAt(chunk, { size: now.length, max, lineOpen: now !== '' && !now.endsWith('\n') });
          expect(cut > 0 || now !== '').toBe(true);
          files[files.length - 1] = now + chunk.subarray(0, cut).toString();
          chunk = chunk.subarray(cut);
          if (chunk.length > 0) files.push('');
        }
      }
      expect(files.join('')).toBe(whole.toString());
      for (const file of files) {
        expect(file).toMatch(/\n$/);
        expect(file.length).toBeLessThanOrEqual(max + 31);
      }
    }),
  );
});
