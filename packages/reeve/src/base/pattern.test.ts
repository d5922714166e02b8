import { describe, expect, test } from 'vitest';
import { compilePattern, PatternTooSlow } from './pattern.ts';

const found = async (pattern: string, text: string): Promise<boolean> => (await compilePattern(pattern)).test(text);

test('a pattern is found or not', async () => {
  expect(await found('"status":\\s*"ok"', '{"status": "ok"}')).toBe(true);
  expect(await found('^ok$', 'not ok')).toBe(false);
  expect(await found('(?i)READY', 'server ready')).toBe(true);
});

test('U32: what JavaScript writes and RE2 can do means the same', async () => {
  expect(await found('\\/health', 'GET /health')).toBe(true);
  expect(await found('(?<port>\\d+)', 'port 80')).toBe(true);
  expect(await found('\\u00e9t\\u00e9', 'été')).toBe(true);
  expect(await found('[^]', '\n')).toBe(true);
});

test('U32: patterns on which a backtracking engine never ends are answered', async () => {
  // So short that no watchdog is set up: its limit is of time, and a busy machine takes long for anything.
  for (const pattern of [
    '^(a+)+$',
    '(a|aa)+$',
    '^(a|a)*$',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(.*a){12}$',
    '(?:a?){40}a{40}$',
  ])
    expect(await found(pattern, `${'a'.repeat(600)}!`), pattern).toBe(false);
});

test('U32: a match has a limit, and the pattern works afterwards', async () => {
  const pattern = await compilePattern('[ab]*a[ab]{900}[cd]');
  const numbers = [1];
  for (let i = 0; i < 1 << 19; i++) numbers.push(((numbers[i] ?? 0) * 1_103_515_245 + 12_345) & 0x7f_ff_ff_ff);
  const text = numbers.map((number) => 'ab'[(number >> 16) % 2]).join('');
  expect(() => pattern.test(text)).toThrow(PatternTooSlow);
  expect(pattern.test('abba')).toBe(false);
  expect(pattern.test(`a${'b'.repeat(900)}c`)).toBe(true);
});

describe('U32: what cannot be evaluated in linear time is refused, with the reason', () => {
  const reasons: Readonly<Record<string, string>> = {
    '(?=a)b': 'look-ahead is not supported',
    '(?!a)b': 'look-ahead is not supported',
    '(?<=a)b': 'look-behind is not supported',
    '(?<!a)b': 'look-behind is not supported',
    '(a)\\1': 'back-references are not supported',
    '(?<x>a)\\k<x>': 'back-references are not supported',
    'a(': 'missing closing ): `a(`',
    '*': 'missing argument to repetition operator: `*`',
    '((a{1,100}){1,100})': 'invalid repeat count: `{1,100}`',
    '(?:abc){999}': 'is too large: its repetitions multiply to over 2,000 steps',
  };
  test.each(Object.entries(reasons))('%s', async (pattern, why) => {
    await expect(compilePattern(pattern)).rejects.toThrow(why);
  });
  test('a pattern of 4,001 characters', async () => {
    await expect(compilePattern('a'.repeat(4_001))).rejects.toThrow('longer than 4000 characters');
  });
});
