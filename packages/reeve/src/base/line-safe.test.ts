import { expect, test } from 'vitest';
import { lineSafe } from './line-safe.ts';

const plain = (line: string) => lineSafe(line, { colours: false });

test.each([
  ['clipboard', 'a\x1b]52;c;aGk=\x07b', 'ab'],
  ['clear screen', 'a\x1b[2Jb', 'ab'],
  ['hyperlink', '\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'link'],
  ['title', '\x1b]0;owned\x07x', 'x'],
  ['status request', '\x1bP$qm\x1b\\x', 'x'],
  ['8-bit CSI', 'a\x9b31mb', 'ab'],
  ['8-bit OSC', 'a\x9d0;t\x9cb', 'ab'],
  ['unterminated string', 'a\x1b]0;never ends', 'a'],
  ['unterminated CSI', 'a\x1b[31', 'a'],
  ['escape at the end', 'a\x1b', 'a'],
  ['a string broken off by another escape', 'a\x1b]0;t\x1b[2Jb', 'ab'],
  ['keypad, charset, reset', '\x1b=\x1b(0\x1bcx', 'x'],
  ['bell, backspace, DEL', 'a\x07\b\x7fb', 'ab'],
  ['carriage return of a line break', 'a\r', 'a'],
])('LG6: %s is taken out', (_name, line, safe) => {
  expect(plain(line)).toBe(safe);
  expect(lineSafe(line.replace('31', '31;'), { colours: true })).not.toMatch(/\x1b(?!\[[0-9;:]*m)|[\x80-\x9f]/);
});

test('text in any script, and tabs, stay', () => {
  expect(plain('\tzwölf Bären 🐻 日本')).toBe('\tzwölf Bären 🐻 日本');
});

test('colours stay if they are wanted, and do not run over the end of the line', () => {
  expect(lineSafe('\x1b[1;31mred\x1b[2J', { colours: true })).toBe('\x1b[1;31mred\x1b[0m');
  expect(lineSafe('\x1b[31mred\x1b[0m', { colours: true })).toBe('\x1b[31mred\x1b[0m');
  expect(plain('\x1b[31mred\x1b[0m')).toBe('red');
});

test('what remains of a nested trick cannot form a new sequence', () => {
  expect(lineSafe('\x1b\x07[2J\x1b\x1b[31m', { colours: true })).not.toMatch(/\x1b(?!\[[0-9;:]*m)/);
});

test('U15: of a line that returns to its beginning what was written last is shown', () => {
  expect(plain('working 1\rworking 2\r')).toBe('working 2');
  expect(plain('50 %\r100 %')).toBe('100 %');
  expect(plain('\r\r')).toBe('');
});
