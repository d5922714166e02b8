import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideCommand, quoteWords, splitCommand, stringCommand } from './command-line.ts';

describe('a string command', () => {
  test.each([
    ['node server.js', ['node', 'server.js']],
    ['  node   server.js\n', ['node', 'server.js']],
    ['"my program" --x=\'a b\'', ['my program', '--x=a b']],
    ["a''b \"\" ''", ['ab', '', '']],
    ['a\\ b \\*.js', ['a b', '*.js']],
    ['echo "a\\"b\\$c\\\\d\\e"', ['echo', 'a"b$c\\d\\e']],
    ["echo 'a|b;c$d`e'", ['echo', 'a|b;c$d`e']],
    ['echo "a|b;c*"', ['echo', 'a|b;c*']],
    ['echo a=b }]!', ['echo', 'a=b', '}]!']],
    ['node a\\\nb', ['node', 'ab']],
    ['echo hi', ['echo', 'hi']],
    ['test -f x', ['test', '-f', 'x']],
    ['true', ['true']],
  ])('%j is executed directly', (text, argv) => {
    expect(decideCommand(text)).toEqual({ kind: 'argv', argv });
  });

  test.each([
    ['a | b', '`|`'],
    ['a && b', '`&&`'],
    ['a || b', '`||`'],
    ['a &', '`&`'],
    ['a; b', '`;`'],
    ['a < b', '`<`'],
    ['a 2>> b', '`>>`'],
    ['(a)', '`(`'],
    ['a )', '`)`'],
    ['a $B', '`$`'],
    ['a $(b)', '`$(`'],
    ['a `b`', '```'],
    ['a *.js', '`*`'],
    ['a b?', '`?`'],
    ['a [b]', '`[`'],
    ['a ~/b', '`~`'],
    ['a # b', '`#`'],
    ['a {b,c}', '`{`'],
    ['a\nb', 'a new line'],
    ['a "$B"', '`$`'],
    ["a <<E\nit's\nE", '`<<`'],
    ['A=1 b', '`A=`'],
    ['cd x', '`cd`'],
    ['exec node x', '`exec`'],
    ['. ./env', '`.`'],
    ['if true', '`if`'],
    ['! true', '`!`'],
    ['export A', '`export`'],
  ])('%j goes to the shell, and the reason is given', (text, why) => {
    const decided = decideCommand(text);
    expect(decided.kind).toBe('shell');
    expect(decided.kind === 'shell' && decided.why).toContain(why);
  });

  test.each([
    ['', 'is empty'],
    ['   ', 'is empty'],
    ["node 'x", 'unclosed'],
    ['node "x', 'unclosed'],
    ['"" x', 'empty word'],
  ])('%j is wrong', (text, why) => {
    const decided = decideCommand(text);
    expect(decided.kind === 'wrong' && decided.why).toContain(why);
  });
  test('an open quote is reported with its place in the text as it was given', () => {
    expect(decideCommand("  node 'x")).toMatchObject({ kind: 'wrong', at: 7 });
  });

  test('quoted words are split back into the same words and never reach a shell', () => {
    const word = fc.string({
      minLength: 1,
      unit: fc.constantFrom('a', ' ', '$', '`', '"', "'", '\\', '*', '\n', '|', 'ü', '~', '{'),
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (argv) => {
        const program = `p${argv[0]}`;
        const words = [program, ...argv.slice(1)];
        expect(splitCommand(quoteWords(words))).toEqual({ kind: 'argv', argv: words });
      }),
    );
  });
});

describe('`shell` overrides the rule', () => {
  test('true and a path: always that shell', () => {
    expect(stringCommand('node x', '/bin/bash')).toMatchObject({
      how: { kind: 'shell', shell: '/bin/bash', script: 'node x' },
    });
  });
  test('false: never, whatever the text holds', () => {
    expect(stringCommand('node a*b && c', false)).toMatchObject({
      how: { kind: 'argv', argv: ['node', 'a*b', '&&', 'c'] },
    });
  });
});

describe('references in a string command', () => {
  test('do not count as shell syntax', () => {
    const command = stringCommand('node ${FILE} --x="${A:-b c}"', null);
    expect(command).toEqual({
      text: 'node ${FILE} --x="${A:-b c}"',
      how: { kind: 'argv', argv: ['node', '${FILE}', '--x=${A:-b c}'] },
    });
  });
  test('a literal ${ keeps its escape in the words', () => {
    expect(stringCommand("echo '$${A}' ${B}", null)).toMatchObject({ how: { argv: ['echo', '$${A}', '${B}'] } });
  });
  test('a literal ${ outside quotes is shell syntax', () => {
    expect(stringCommand('echo $${A}', null)).toMatchObject({ how: { kind: 'shell', script: 'echo $${A}' } });
  });
});
