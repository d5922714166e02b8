import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideCommand, quoteWords } from './command-line.ts';

/** The words that /bin/sh makes of a text, or null when it finds it wrong. */
function wordsOfShell(text: string): string[] | null {
  try {
    const out = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${text}`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return out.split('\0').slice(0, -1);
  } catch {
    return null;
  }
}

/** Backticks are left out: inside double quotes they expand in sh, and the rule names only `$` there. */
const text = fc.string({
  unit: fc.constantFrom('a', 'b', ' ', '  ', '"', "'", '\\', '$', '|', '*', '=', '-', '\\\\', '\n', 'ü'),
  minLength: 1,
  maxLength: 14,
});

test('what is executed directly has the very words that sh would make of it', () => {
  let compared = 0;
  fc.assert(
    fc.property(text, (any) => {
      const decided = decideCommand(`p ${any}`);
      if (decided.kind !== 'argv') return;
      compared++;
      // A lone backslash at the end is kept by sh, and dash prints it; the trailing blank that it would quote is trimmed by us.
      fc.pre(!/\\\s*$/.test(any));
      expect(wordsOfShell(`p ${any}`)).toEqual(decided.argv);
    }),
    { numRuns: 400 },
  );
  expect(compared).toBeGreaterThan(50);
});

test('an unclosed quote is wrong here exactly when sh finds it wrong', () => {
  const quotes = fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", '\\'), maxLength: 10 });
  fc.assert(
    fc.property(quotes, (any) => {
      fc.pre(!/\\\s*$/.test(any));
      expect(decideCommand(`p ${any}`).kind === 'wrong').toBe(wordsOfShell(`p ${any}`) === null);
    }),
    { numRuns: 200 },
  );
});

test('sh reads quoted words back as they were', () => {
  const word = fc.string({
    unit: fc.constantFrom('a', ' ', '"', "'", '\\', '$', '`', '*', '\n', '~', 'ü', '-'),
    minLength: 1,
  });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
      expect(wordsOfShell(quoteWords(words))).toEqual(words);
    }),
    { numRuns: 100 },
  );
});
