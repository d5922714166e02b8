import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isLiveState, readStat } from './linux/proc-stat.ts';
import { type LimitedCommand, runLimited } from './run-limited.ts';
import { deadlineIn } from './timer.ts';

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'reeve-run-limited-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function sh(script: string, more: Partial<LimitedCommand> = {}) {
  const deadline = deadlineIn(30_000);
  onTestFinished(() => deadline.clear());
  const argv = ['/bin/sh', '-c', script];
  return runLimited({ argv, cwd: '/', env: process.env, signal: deadline.signal, leftovers: 'end', ...more });
}

function isAlive(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== null && isLiveState(stat);
}
const pidIn = (cwd: string): number => Number(readFileSync(path.join(cwd, 'pid'), 'utf8'));

test('its result is kept apart from what it says, whole', async () => {
  const onOut = await sh('echo value; echo noise >&2', { result: { fd: 1, most: 100 } });
  expect(onOut).toMatchObject({ how: 'exited', code: 0, result: 'value\n', left: [] });
  const onThree = await sh('head -c 300000 /dev/zero | tr "\\0" x >&3; echo noise', {
    result: { fd: 3, most: 300_000 },
  });
  expect(onThree).toMatchObject({ how: 'exited', tail: 'noise\n' });
  expect(onThree.result).toHaveLength(300_000);
});

test('one that prints more than its result may hold is ended', async () => {
  const end = await sh('yes', { result: { fd: 1, most: 1_000 } });
  expect(end).toMatchObject({ how: 'too_much', left: [] });
});

test('D3: what the system refuses is an answer, also where Node throws', async () => {
  const tooLong = 'x'.repeat(3_000_000);
  expect(await sh(tooLong)).toMatchObject({ how: 'refused', error: { code: 'E2BIG' } });
  expect(await sh('true', { argv: ['/nowhere/at-all'] })).toMatchObject({ how: 'refused', error: { code: 'ENOENT' } });
  expect(await sh('true', { cwd: '/nowhere' })).toMatchObject({ how: 'refused', error: { code: 'ENOENT' } });
});

test('at its limit it is ended with what it has started, also in another session', async () => {
  const cwd = folder();
  const { signal } = deadlineIn(1_500);
  expect(await sh('setsid sleep 600 & echo $! > pid; wait', { cwd, signal })).toMatchObject({
    how: 'stopped',
    left: [],
  });
  expect(isAlive(pidIn(cwd))).toBe(false);
});

test('what it leaves in its session is ended with it, and does not hold up its result', async () => {
  const cwd = folder();
  const end = await sh('sleep 600 & echo $! > pid; echo value', { cwd, result: { fd: 1, most: 100 } });
  expect(end).toMatchObject({ how: 'exited', code: 0, result: 'value\n', left: [] });
  expect(isAlive(pidIn(cwd))).toBe(false);
});

test('what it leaves is left alone where that is wanted', async () => {
  const cwd = folder();
  expect(await sh('sleep 600 & echo $! > pid', { cwd, leftovers: 'leave' })).toMatchObject({ how: 'exited' });
  const pid = pidIn(cwd);
  onTestFinished(() => void process.kill(pid, 'SIGKILL'));
  expect(isAlive(pid)).toBe(true);
});
