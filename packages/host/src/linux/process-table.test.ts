import { expect, test } from 'vitest';
import { parseCgroup, parseEnviron } from './process-table.ts';

test('the v2 path is the line that begins with 0::', () => {
  expect(parseCgroup('4:memory:/v1/only\n1:cpu:/\n0::/reeve-12345678/a.b\n')).toBe('/reeve-12345678/a.b');
  expect(parseCgroup('0::/\n')).toBe('/');
  expect(parseCgroup('0::/gone/one (deleted)\n')).toBe('/gone/one');
});

test('without a v2 hierarchy there is no path', () => {
  expect(parseCgroup('4:memory:/\n1:name=0::x:/\n')).toBeNull();
  expect(parseCgroup('')).toBeNull();
});

test('an environment keeps values with =, newlines and nothing; rubbish has no name', () => {
  expect([...parseEnviron('A=1\0B=x=y\nz\0C=\0=odd\0rubbish\0')]).toEqual([
    ['A', '1'],
    ['B', 'x=y\nz'],
    ['C', ''],
  ]);
});
