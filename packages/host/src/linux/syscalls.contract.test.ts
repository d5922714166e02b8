import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFifo } from './fifo.ts';
import { identify, isPid, isSame, selfIdentity } from './identity.ts';
import { type Binding, loadSyscalls, withoutBinding } from './syscalls.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'reeve-syscalls-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const binding = loadSyscalls();
const both: [string, Binding][] = [
  ['with the binding', binding],
  ['without the binding', withoutBinding('switched off')],
];

test.each(both)('a FIFO is made with exactly the mode asked for, whatever the umask, %s', (_name, way) => {
  const fifo = path.join(folder, 'out fifo');
  const before = process.umask(0o077);
  try {
    makeFifo(fifo, 0o622, way);
  } finally {
    process.umask(before);
  }
  expect(statSync(fifo).isFIFO()).toBe(true);
  expect(statSync(fifo).mode & 0o777).toBe(0o622);
  expect(() => makeFifo(fifo, 0o600, way)).toThrow(/exist/i);
});

describe.runIf(binding.available)('with the binding', () => {
  const calls = () => {
    if (!binding.available) throw new Error(binding.why);
    return binding.calls;
  };

  test('errno comes from the call that failed', () => {
    expect(() => calls().flock(9999, 'exclusive-nonblocking')).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(() => calls().mkfifo(path.join(folder, 'none/f'), 0o600)).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
    expect(() => calls().mkfifo(folder, 0o600)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  });

  test('a second open file description does not get the flock until the first gives it back', () => {
    const file = path.join(folder, 'lock');
    const [one, two] = [openSync(file, 'w'), openSync(file, 'w')];
    expect(calls().flock(one, 'exclusive-nonblocking')).toBe(true);
    expect(calls().flock(two, 'exclusive-nonblocking')).toBe(false);
    expect(calls().flock(one, 'unlock')).toBe(true);
    expect(calls().flock(two, 'exclusive-nonblocking')).toBe(true);
    closeSync(one);
    closeSync(two);
  });

  test('a pidfd signals its process, and says when that has ended', async () => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const pidfd = calls().pidfdOpen(child.pid ?? -1);
    expect(pidfd).not.toBeNull();
    const ended = once(child, 'exit');
    expect(calls().pidfdSendSignal(pidfd ?? -1, constants.signals.SIGTERM)).toBe(true);
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(calls().pidfdSendSignal(pidfd ?? -1, constants.signals.SIGTERM)).toBe(false);
    expect(calls().pidfdOpen(child.pid ?? -1)).toBeNull();
    closeSync(pidfd ?? -1);
  });

  test('a process that is not our child is not taken for one that runs', async () => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    expect(calls().waitpidNoHang(child.pid ?? -1)).toBeNull();
    expect(calls().waitpidNoHang(process.ppid)).toBe('gone');
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  });

  test('only the soft limit changes', () => {
    const limits = () => /Max realtime timeout\s+(\S+)\s+(\S+)/.exec(readFileSync('/proc/self/limits', 'utf8'));
    const hard = limits()?.[2];
    calls().setLimit('rttime', { soft: 123_456_789_012_345n, hard: calls().limit('rttime').hard });
    expect(limits()?.slice(1)).toEqual(['123456789012345', hard]);
  });
});

test('an identity is good for its process and for no other', async () => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const identity = identify(child.pid ?? -1);
  if (identity === null) throw new Error('the child is not there');
  expect(isSame(identity)).toBe(true);
  expect(isSame({ ...identity, start: identity.start - 1 })).toBe(false);
  expect(isSame({ ...identity, boot: 'another' })).toBe(false);
  expect(isSame(selfIdentity())).toBe(true);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  expect(isSame(identity)).toBe(false);
});

test.each([0, 1, -1, 1.5, Number.NaN, 2 ** 32 + 1, '12', null, undefined])('%j is not a pid', (value) => {
  expect(isPid(value)).toBe(false);
  expect(identify(value as number)).toBeNull();
});
