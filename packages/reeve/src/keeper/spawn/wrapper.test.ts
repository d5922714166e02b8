import type { SpawnRequest } from '@reeve/contract';
import { expect, test } from 'vitest';
import { needsWrapper, wrap } from './wrapper.ts';

const plain: SpawnRequest = {
  run: 'r1',
  id: '0123456789ab',
  argv: ['/bin/echo', 'a b', '$(touch x)', '"; rm -rf /'],
  cwd: '/',
  env: { PATH: '/bin' },
  user: null,
  umask: null,
  nice: null,
  limits: {},
  cgroup: null,
  mark: null,
  logs: null,
};
const tool = (name: string) => `/usr/bin/${name}`;

test('a plain run needs no wrapper; each of the settings asks for one', () => {
  expect(needsWrapper(plain)).toBe(false);
  const settings = [{ cgroup: '/c' }, { nice: 0 }, { limits: { core: 0 } }, { user: { name: 'u', uid: 1, gid: 1 } }];
  for (const setting of settings) expect(needsWrapper({ ...plain, ...setting })).toBe(true);
});

test('no value is pasted into a script', () => {
  const evil = {
    ...plain,
    run: 'run-id',
    cgroup: '/cg $(x)',
    limits: { nofile: 77 },
    nice: 5,
    umask: 0o27,
    env: { PWD: '`y`' },
  };
  const [shell, flag, script = '', ...values] = wrap(evil, tool, { reports: 3, descriptors: null });
  expect([shell, flag]).toEqual(['/bin/sh', '-c']);
  for (const text of ['cg', 'run-id', '77', '27', '`', 'echo a', 'touch']) expect(script).not.toContain(text);
  expect(values.slice(-plain.argv.length)).toEqual(plain.argv);
  expect(values).toContain('/cg $(x)/cgroup.procs');
});

test('another user is taken on after everything that needs the first one', () => {
  const argv = wrap({ ...plain, cgroup: '/cg', user: { name: 'u', uid: 12, gid: 34 } }, tool, {
    reports: 3,
    descriptors: null,
  });
  const switched = argv.indexOf('/usr/bin/setpriv');
  expect(argv.slice(switched, switched + 8)).toEqual([
    '/usr/bin/setpriv',
    '--reuid',
    '12',
    '--regid',
    '34',
    '--init-groups',
    '--',
    '/bin/sh',
  ]);
  expect(argv.indexOf('/cg/cgroup.procs')).toBeLessThan(switched);
  expect(argv.indexOf('r1')).toBeGreaterThan(switched);
});

test('variables that a shell would lose go through env', () => {
  const argv = wrap({ ...plain, umask: 0, env: { 'A.B': '1', IFS: ':', OK: '2' } }, tool, {
    reports: 3,
    descriptors: null,
  });
  expect(argv.slice(-plain.argv.length - 3)).toEqual(['/usr/bin/env', 'A.B=1', 'IFS=:', ...plain.argv]);
});
