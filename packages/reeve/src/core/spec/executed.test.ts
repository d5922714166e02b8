import { expect, test } from 'vitest';
import { comparedValues, executedChanges } from './executed.ts';

const run = (argv: readonly string[], env: Record<string, string>) => {
  const execution = { argv, cwd: '/p', env };
  return { ...execution, executed: comparedValues(execution, Object.keys(env)) };
};
const spec = { secrets: { HIDDEN: { kind: 'file', path: '/s' } as const } };
const changes = (before: ReturnType<typeof run>, after: ReturnType<typeof run>, known = true) =>
  executedChanges({ before: before.executed, known: known ? before : null, after, spec });

test('U13: what would be executed otherwise is named, with secrets masked', () => {
  const before = run(['a', 'tok-1234', 'hid-1234'], { A: '1', A_TOKEN: 'tok-1234', HIDDEN: 'hid-1234', GONE: 'x' });
  const after = run(['a', 'tok-5678', 'hid-5678'], { A: '2', A_TOKEN: 'tok-5678', HIDDEN: 'hid-5678' });
  expect(changes(before, after)).toEqual([
    { field: 'command', from: 'a *** ***', to: 'a *** ***', cost: 'restart' },
    { field: 'env.A', from: '1', to: '2', cost: 'restart' },
    { field: 'env.A_TOKEN', from: '***', to: '***', cost: 'restart' },
    { field: 'env.HIDDEN', from: '***', to: '***', cost: 'restart' },
    { field: 'env.GONE', from: 'x', to: null, cost: 'restart' },
  ]);
  expect(changes(before, after, false)[1]).toMatchObject({ from: 'another value', to: '2' });
  expect(changes(before, before)).toEqual([]);
});

test('U13: a program or script that has changed on the disk is a note', () => {
  const file = (value: string) => ({ ...run(['a'], {}), executed: { 'file /a': value } });
  expect(changes(file('1'), file('2'))).toMatchObject([{ field: 'file /a', cost: 'note' }]);
  expect(changes(file('1'), run(['a'], {}))).not.toContainEqual(expect.objectContaining({ field: 'file /a' }));
});
