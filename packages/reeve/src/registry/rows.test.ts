import { ReeveError } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { Cells, exit, listOf, text, textMap, toJson } from './rows.ts';

const place = { file: '/nowhere/reeve.db', table: 'projects', key: ['folder'] };
const cells = (row: Record<string, unknown>) => new Cells({ folder: '/p', ...row }, place);

describe('a stored row', () => {
  test('is read column by column', () => {
    const row = cells({ name: 'x', at: 5, env: '{"A":"1"}', files: '["/a"]', none: null });
    expect(row.text('name')).toBe('x');
    expect(row.integer('at')).toBe(5);
    expect(row.json('env', textMap)).toEqual({ A: '1' });
    expect(row.json('files', listOf(text))).toEqual(['/a']);
    expect([row.textOrNull('none'), row.integerOrNull('none'), row.jsonOrNull('none', exit)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  test.each([
    ['{"A":', 'env is not JSON'],
    ['[]', 'env is not an object'],
    ['null', 'env is not an object'],
    ['{"A":1}', 'env holds A, which is not text'],
  ])('with %s in it is damage that names table and key', (env, why) => {
    const read = () => cells({ env }).json('env', textMap);
    expect(read).toThrow(ReeveError);
    expect(read).toThrow(`the registry /nowhere/reeve.db is damaged: table projects, folder "/p": ${why}`);
  });
});

test.each([
  { kind: 'code', code: 3, signal: null, at: 'now' },
  { kind: 'signal', code: null, signal: 'SIGKILL', at: 'now' },
  { kind: 'unobserved', code: null, signal: null, at: 'now' },
])('an exit by $kind comes back as it was', (value) => {
  expect(exit(JSON.parse(toJson(value)))).toEqual(value);
});

test('nothing is stored as null, never as a hole', () => {
  expect(toJson(undefined)).toBe('null');
});
