import { ReeveError } from '@reeve/contract';
import { expect, test } from 'vitest';
import { parseKillTarget } from './kill-target.ts';

const codeOf = (word: string | undefined, pattern: string | null = null): string => {
  try {
    return parseKillTarget(word, pattern).kind;
  } catch (error) {
    return error instanceof ReeveError ? error.code : String(error);
  }
};

test.each([
  ['4711', { kind: 'pid', pid: 4711 }],
  [':3000', { kind: 'port', port: 3000 }],
  ['api', { kind: 'name', project: null, name: 'api' }],
  ['shop/api', { kind: 'name', project: 'shop', name: 'api' }],
  ['0x10', { kind: 'name', project: null, name: '0x10' }],
  ['12abc', { kind: 'name', project: null, name: '12abc' }],
])('%s is %j', (word, target) => {
  expect(parseKillTarget(word, null)).toEqual(target);
});

test.each(['0', '1', '-1', '+5', '-4711', String(2 ** 32 + 1), '9'.repeat(30)])('PI4: %s is not a pid', (word) => {
  expect(codeOf(word)).toBe('NOT_PERMITTED');
});

test.each(['', ' ', '1.5', '-1.5', ':', ':0', ':65536', ':-1', 'a b', 'a/b/c', '../x', 'x\n'])(
  'PI4: %j is nothing that can be ended',
  (word) => {
    expect(codeOf(word)).toBe('USAGE');
  },
);

test('a pattern stands alone, and is one', () => {
  expect(parseKillTarget(undefined, 'node .*x')).toEqual({ kind: 'pattern', pattern: 'node .*x' });
  expect(codeOf('api', 'x')).toBe('USAGE');
  expect(codeOf(undefined)).toBe('USAGE');
});
