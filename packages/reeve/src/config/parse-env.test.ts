import { expect, test } from 'vitest';
import { parseEnvFile } from './parse-env.ts';

const values = (text: string) => {
  const parsed = parseEnvFile(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return { ...parsed.values };
};

test.each([
  ['P=123#4', '123#4'],
  ['P=123 #4', '123'],
  ['P=', ''],
  ['P= # nothing', ''],
  ['P=#x', '#x'],
  ['Q="a\\"b#c"', 'a"b#c'],
  ["Q='a\"b \\n ${X} `y`' # note", 'a"b \\n ${X} `y`'],
  ['Q="a\\nb\\t\\\\"', 'a\nb\t\\'],
  ['Q=`date`', '`date`'],
  ['Q="`date`"', '`date`'],
  ['Q=a=b==', 'a=b=='],
  ['Q=two words  ', 'two words'],
  ['export Q=1', '1'],
  ['  Q=C:\\dir', 'C:\\dir'],
  ['Q="two\nlines"\n', 'two\nlines'],
  ['\uFEFFQ=1\r\n# x\r\n', '1'],
])('U5: %j is read as its writer means it', (text, value) => {
  expect(Object.values(values(text))).toEqual([value]);
});

test('U5: a BOM is not part of the first name, and a later line wins', () => {
  expect(values('\uFEFFA=1\nA=2\n\n__proto__=p')).toEqual({ A: '2', ['__proto__']: 'p' });
});

test.each([
  ['NOVALUE', 1, 'sets nothing'],
  ['A=1\n1BAD=x', 2, '"1BAD" is not the name'],
  ['A=1\n\nThis is prose.', 3, 'sets nothing'],
  ['A B=2', 1, '"A B" is not the name'],
  ['A = 1', 1, 'spaces around the ='],
  ['A= 1', 1, 'spaces around the ='],
  ['A="x\ny\nB=1', 1, 'unclosed quote'],
  ["A='x'y", 1, 'follows a closing quote'],
  ['=x', 1, 'not the name'],
  ['A="1\n2"\nB', 3, 'sets nothing'],
])('U5: %j is a problem with its line', (text, line, message) => {
  expect(parseEnvFile(text)).toMatchObject({ ok: false, line, message: expect.stringContaining(message) });
});
