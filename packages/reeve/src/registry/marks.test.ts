import { describe, expect, test } from 'vitest';
import { identity, machine, marksOf } from './marks.ts';
import { Unfit } from './rows.ts';

const main = { boot: 'b-1', pid: 4711, start: 123 };
const good = { run: 'r1', main, witness: { cookie: 'r1', cgroup: '/reeve/r1' }, ports: [8081], mark: 2 ** 51 + 5 };
const read = marksOf('r1');

describe('the marks of a run', () => {
  test('are handed out as they were stored', () => {
    expect(read(good)).toEqual(good);
    const bare = { run: 'r1', main: null, witness: { cookie: null, cgroup: null }, ports: [] };
    expect(read(bare)).toEqual({ ...bare, mark: null });
  });

  test.each([0, 1, -1, '', null, 1.5, '12abc', 2 ** 32 + 1, '4711', true, [4711], undefined, Number.NaN])(
    'are refused with pid %j',
    (pid) => {
      expect(() => read({ ...good, main: { ...main, pid } })).toThrow(Unfit);
      expect(() => identity({ ...main, pid })).toThrow(Unfit);
      expect(() => machine({ state: { name: 'running', process: { ...main, pid } } })).toThrow(Unfit);
    },
  );

  test.each([
    ['no start', { ...main, start: undefined }],
    ['a negative start', { ...main, start: -1 }],
    ['no boot id', { ...main, boot: '' }],
    ['a bare pid', 4711],
  ])('are refused with %s', (_what, wrong) => {
    expect(() => read({ ...good, main: wrong })).toThrow(Unfit);
  });

  test.each(['/', '', 'reeve/r1', '/reeve/..', '/../x', '//', '/./', '/a\0b', 7])(
    'are refused with cgroup %j',
    (cgroup) => {
      expect(() => read({ ...good, witness: { cookie: 'r1', cgroup } })).toThrow(Unfit);
    },
  );

  test('are refused with an empty cookie, which everything would carry', () => {
    expect(() => read({ ...good, witness: { cookie: '', cgroup: null } })).toThrow(Unfit);
  });

  test.each([0, 65_536, 1.5, '80', null])('are refused with port %j', (port) => {
    expect(() => read({ ...good, ports: [port] })).toThrow(Unfit);
  });

  test('are refused under the name of another run', () => {
    expect(() => read({ ...good, run: 'r2' })).toThrow('belongs to another run');
  });

  test('say which part is wrong', () => {
    expect(() => read({ ...good, main: { ...main, pid: 0 } })).toThrow(
      '.main.pid is 0, which is not a process of a service',
    );
  });
});

test('a machine without a process has none to signal, and is handed out whole', () => {
  const value = { state: { name: 'stopped', last: null }, epoch: 3 };
  expect(machine(value)).toBe(value);
  expect(machine({ state: { name: 'stopping', process: null } })).toEqual({
    state: { name: 'stopping', process: null },
  });
  expect(() => machine({})).toThrow(Unfit);
});
