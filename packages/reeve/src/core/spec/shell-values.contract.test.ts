import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { parseTemplate } from './interpolate.ts';
import { placeValues } from './shell-values.ts';

const HOSTILE = ['x; echo INJECTED', '$(echo INJECTED)', '`echo INJECTED`', `it's "so"`, 'a  b *', '', '\\', 'a\nb'];

function run(script: string, value: string): string {
  const template = parseTemplate(script);
  if (!template.ok) throw new Error(template.bad.why);
  const placed = placeValues('/bin/sh', template.pieces, () => value);
  if (!placed.ok) throw new Error(placed.why);
  const [file = '', ...args] = placed.argv;
  return execFileSync(file, args, { encoding: 'utf8' });
}

test.each(HOSTILE)('U17: sh gets a value as it is, wherever the script has it: %j', (value) => {
  expect(run('printf "[%s]" ${V} | cat', value)).toBe(`[${value}]`);
  expect(run('printf "[%s]" a${V}b', value)).toBe(`[a${value}b]`);
  expect(run('printf "[%s]" "it is ${V}"', value)).toBe(`[it is ${value}]`);
  expect(run("printf '[%s]' 'it is ${V}'", value)).toBe(`[it is ${value}]`);
  expect(run('printf "[%s]" "$(printf "%s." "${V}")"', value)).toBe(`[${value}.]`);
  expect(run('cat <<END\nthe ${V}\nEND\n', value)).toBe(`the ${value}\n`);
});

test('U17: a number is one in arithmetic', () => {
  expect(run('echo $((${V} + (1)))', '41')).toBe('42\n');
});
