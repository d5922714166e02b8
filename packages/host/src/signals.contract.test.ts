import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ProcessIdentity, ReeveError } from '@reeve/contract';
import { afterEach, describe, expect, test } from 'vitest';
import { capabilities } from './capabilities.ts';
import { identify, selfIdentity } from './linux/identity.ts';
import { cgroupOf } from './linux/process-table.ts';
import { type Binding, loadSyscalls, withoutBinding } from './linux/syscalls.ts';
import { isWithin, sendSignal } from './signals.ts';

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

interface Started {
  readonly child: ChildProcess;
  readonly identity: ProcessIdentity;
  readonly ended: Promise<unknown[]>;
}
function start(env: Record<string, string>): Started {
  const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore', env });
  started.push(child);
  const identity = identify(child.pid ?? -1);
  if (identity === null) throw new Error('sleep did not start');
  return { child, identity, ended: once(child, 'exit') };
}

const none = { cookie: null, cgroup: null };
const ways: [string, Binding][] = [
  ['pidfd', loadSyscalls()],
  ['kill(2)', withoutBinding('switched off')],
];

describe.each(ways)('by %s', (_name, binding) => {
  test('the cookie is witness enough', async () => {
    const { identity, ended } = start({ REEVE_RUN: 'r1' });
    expect(sendSignal(identity, { cookie: 'r1', cgroup: null }, 'SIGTERM', { binding })).toEqual({
      ok: true,
      reason: 'done',
    });
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(sendSignal(identity, { cookie: 'r1', cgroup: null }, 'SIGTERM', { binding }).reason).toBe('gone');
  });

  test('a process with the same pid and another start tick is never touched', () => {
    const { identity, child } = start({ REEVE_RUN: 'r1' });
    const older = { ...identity, start: identity.start - 100 };
    expect(sendSignal(older, { cookie: 'r1', cgroup: null }, 'SIGKILL', { binding, seen: older }).reason).toBe(
      'recycled',
    );
    const otherBoot = { ...identity, boot: 'ffffffff-0000-0000-0000-000000000000' };
    expect(sendSignal(otherBoot, { cookie: 'r1', cgroup: null }, 'SIGKILL', { binding }).reason).toBe('recycled');
    expect(child.exitCode ?? child.signalCode).toBeNull();
    expect(identify(identity.pid)).toEqual(identity);
  });

  test('the same pid and start tick with another cookie is a newcomer', () => {
    const { identity } = start({ REEVE_RUN: 'r2' });
    expect(sendSignal(identity, { cookie: 'r1', cgroup: null }, 'SIGKILL', { binding }).reason).toBe('recycled');
    expect(identify(identity.pid)).toEqual(identity);
  });

  test('without any witness, or with none that speaks for it, it stays untouched', () => {
    const { identity } = start({});
    expect(sendSignal(identity, none, 'SIGKILL', { binding }).reason).toBe('unverifiable');
    expect(sendSignal(identity, { cookie: 'r1', cgroup: null }, 'SIGKILL', { binding }).reason).toBe('unverifiable');
    expect(sendSignal(identity, { cookie: null, cgroup: '/no/such' }, 'SIGKILL', { binding }).reason).toBe(
      'unverifiable',
    );
    const other = { ...identity, pid: identity.pid + 1 };
    expect(sendSignal(identity, none, 'SIGKILL', { binding, seen: other }).reason).toBe('unverifiable');
    expect(identify(identity.pid)).toEqual(identity);
  });

  test('having been seen as a member is a witness', async () => {
    const { identity, ended } = start({});
    expect(sendSignal(identity, none, 'SIGKILL', { binding, seen: identity }).ok).toBe(true);
    expect(await ended).toEqual([null, 'SIGKILL']);
  });
});

test.each([0, 1, -1, 1.5, Number.NaN, 2 ** 32 + 1, '12abc', '', null])('pid %j is never signalled', (pid) => {
  const identity = { ...selfIdentity(), pid: pid as number };
  expect(sendSignal(identity, { cookie: 'r', cgroup: null }, 'SIGCONT', { seen: identity }).reason).toBe('protected');
});

test('we ourselves are never signalled', () => {
  const self = selfIdentity();
  expect(sendSignal(self, none, 'SIGCONT', { seen: self }).reason).toBe('protected');
});

test('an unknown signal is refused by name', () => {
  const { identity } = start({});
  for (const signal of ['SIGFOO', 'TERM', '', 'toString']) {
    expect(() => sendSignal(identity, none, signal, { seen: identity })).toThrow(ReeveError);
  }
});

test('the root cgroup is not a witness, a prefix of a name is not below it', () => {
  expect(isWithin('/a/b', '/')).toBe(false);
  expect(isWithin('/a/bc', '/a/b')).toBe(false);
  expect(isWithin('/a/b/c', '/a/b')).toBe(true);
  expect(isWithin(cgroupOf('self'), cgroupOf('self') ?? '')).toBe(cgroupOf('self') !== '/');
});

test('without the binding every capability that it gives says what is done instead', () => {
  const off = capabilities(withoutBinding('switched off'));
  expect(off.map((each) => [each.name, each.available])).toEqual([
    ['binding', false],
    ['pidfd', false],
    ['flock', false],
    ['notify', false],
  ]);
  expect(off[0]?.why).toBe('switched off');
  expect(capabilities().map((each) => each.name)).toEqual(['binding', 'pidfd', 'flock', 'notify']);
});
