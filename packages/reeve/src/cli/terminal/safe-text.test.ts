import { expect, test } from 'vitest';
import { oneLine, safeText } from './safe-text.ts';

test('colours, cursor movements and titles vanish whole', () => {
  expect(safeText('\u001b[31mred\u001b[0m \u001b[2J\u001b[1;1Hhome \u001b]0;title\u0007end')).toBe('red home end');
});

test('a clipboard write cannot hide in an operating-system command, ended either way or not at all', () => {
  expect(safeText('a\u001b]52;c;ZXZpbA==\u0007b')).toBe('ab');
  expect(safeText('a\u001b]52;c;ZXZpbA==\u001b\\b')).toBe('ab');
  expect(safeText('a\u001b]52;c;ZXZpbA==')).toBe('a');
});

test('eight-bit control characters and direction marks become visible', () => {
  expect(safeText('a\u009b31mb')).toBe('ab');
  expect(safeText('a\u0085b\u202ec\u0000d\u007f')).toBe('a\uFFFDb\uFFFDc\uFFFDd\uFFFD');
});

test('line breaks stay in text and become spaces in a cell', () => {
  expect(safeText('a\nb\tc')).toBe('a\nb\tc');
  expect(oneLine(' a\r\n  b\tc\n')).toBe('a b c');
});

test('no sequence survives with an escape character in it', () => {
  for (const text of [
    '\u001b',
    '\u001b[',
    '\u001b[31',
    'x\u001bPq#0\u001b\\y',
    '\u001b(B',
    '\u001bc',
    '\u001b\u001b[m',
  ]) {
    expect(safeText(text)).not.toMatch(/[\u001b\u0080-\u009f]/);
  }
});
