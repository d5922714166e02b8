import { expect, test } from 'vitest';
import { QUOTED, shortLine } from './short-line.ts';

test('U37: a line that is quoted is short, and says how much more there is', () => {
  expect(shortLine('x'.repeat(QUOTED))).toBe('x'.repeat(QUOTED));
  expect(shortLine('x'.repeat(16_384))).toBe(`${'x'.repeat(QUOTED)} … (${16_384 - QUOTED} more characters)`);
});

test('U37: no character is cut in two', () => {
  const cut = shortLine(`x${'🐻'.repeat(QUOTED)}`);
  expect(Buffer.from(cut).toString(), 'nothing became U+FFFD').toBe(cut);
});
