import { expect, test } from 'vitest';
import { encode, LineSplitter, LineTooLong } from './ndjson.ts';

function linesOf(text: string, step: number): string[] {
  const splitter = new LineSplitter(1000);
  const bytes = Buffer.from(text);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += step) lines.push(...splitter.push(bytes.subarray(at, at + step)));
  return [...lines, splitter.rest()];
}

test('lines are the same however the bytes are cut', () => {
  const text = '{"a":1}\n\nzwölf Bären 🐻\r\nhalf';
  for (const step of [1, 2, 3, 5, 7, 100]) {
    expect(linesOf(text, step)).toEqual(['{"a":1}', '', 'zwölf Bären 🐻\r', 'half']);
  }
});

test('a line of exactly the limit passes, one byte more is refused', () => {
  expect(new LineSplitter(4).push(Buffer.from('1234\n'))).toEqual(['1234']);
  expect(() => new LineSplitter(4).push(Buffer.from('12345\n'))).toThrow(LineTooLong);
});

test('a line without an end is refused as soon as it is too long', () => {
  const splitter = new LineSplitter(10);
  splitter.push(Buffer.alloc(10, 'x'));
  expect(() => splitter.push(Buffer.from('x'))).toThrow('longer than 10 bytes');
});

test('what encode writes, the splitter gives back', () => {
  const value = { text: 'two\nlines', n: 1 };
  const [line] = new LineSplitter(100).push(Buffer.from(encode(value)));
  expect(JSON.parse(line ?? '')).toEqual(value);
});
