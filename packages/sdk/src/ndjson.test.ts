import { expect, test } from 'vitest';
import { encodeLine, LineReader } from './ndjson.ts';

test('lines are the same however the text is cut', () => {
  const text = '{"a":1}\n\nzwölf Bären\nhalf';
  for (const step of [1, 2, 3, 7, 100]) {
    const reader = new LineReader(100);
    const lines: string[] = [];
    for (let at = 0; at < text.length; at += step) lines.push(...(reader.push(text.slice(at, at + step)) ?? ['lost']));
    expect(lines).toEqual(['{"a":1}', '', 'zwölf Bären']);
  }
});

test('a line without an end is given up as soon as it is longer than the limit', () => {
  const reader = new LineReader(10);
  expect(reader.push('0123456789')).toEqual([]);
  expect(reader.push('x')).toBeNull();
});

test('what is encoded is one line and comes back', () => {
  const value = { text: 'two\nlines' };
  const [line, more] = new LineReader(100).push(encodeLine(value)) ?? [];
  expect(more).toBeUndefined();
  expect(JSON.parse(line ?? '')).toEqual(value);
});
