import { expect, test } from 'vitest';
import { aimAt } from './aim.ts';

test('a pattern is compiled; other targets stay as they are', async () => {
  expect(await aimAt({ kind: 'pattern', pattern: 'node .*x' })).toMatchObject({ pattern: { source: 'node .*x' } });
  expect(await aimAt({ kind: 'pid', pid: 7 })).toEqual({ kind: 'pid', pid: 7 });
});

test.each(['', '(', '(?!a)b'])('%j is not a pattern that a kill may be aimed with', async (pattern) => {
  await expect(aimAt({ kind: 'pattern', pattern })).rejects.toMatchObject({ code: 'USAGE' });
});
