import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isLiveState, readStat } from './linux/proc-stat.ts';
import { runCommand } from './run-command.ts';
import { startCommand } from './start-command.ts';

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'reeve-run-command-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function run(command: string | readonly string[], limit = 20_000, cwd = folder()) {
  return { command, cwd, env: process.env, limit };
}

function isAlive(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== null && isLiveState(stat);
}

test.each([
  ['echo one; echo two', { reason: 'done', message: 'two' }],
  ['true', { reason: 'done', message: null }],
  ['echo one; echo two >&2; exit 3', { reason: 'failed', message: 'exit code 3: two' }],
  ['kill -KILL $$', { reason: 'failed', message: 'ended by SIGKILL' }],
])('%s: how it ended, and what it said last', async (command, end) => {
  expect(await runCommand(run(command))).toEqual(end);
});

test('a program that does not exist has failed', async () => {
  const nowhere = run(['/nowhere/at-all']);
  const end = { reason: 'failed', message: expect.stringContaining('cannot be executed') as string };
  expect(await runCommand(nowhere)).toEqual(end);
  expect(await startCommand(nowhere, [])).toEqual(end);
});

test('at its limit it is killed with what it has started, also in another session', async () => {
  const cwd = folder();
  const end = await runCommand(run('setsid sleep 600 & echo $! > pid; wait', 1500, cwd));
  expect(end).toMatchObject({ reason: 'timed_out' });
  expect(isAlive(Number(readFileSync(path.join(cwd, 'pid'), 'utf8')))).toBe(false);
});

test('who is left behind and holds its output open is not waited for, and lives', async () => {
  const cwd = folder();
  expect(await runCommand(run('sleep 600 & echo $! > pid; echo said', 20_000, cwd))).toMatchObject({ reason: 'done' });
  const pid = Number(readFileSync(path.join(cwd, 'pid'), 'utf8'));
  onTestFinished(() => void process.kill(pid, 'SIGKILL'));
  expect(isAlive(pid)).toBe(true);
});

test('a start that keeps running has started; one whose ports stay closed has not, and is left alone', async () => {
  const cwd = folder();
  const pid = (): number => Number(readFileSync(path.join(cwd, 'pid'), 'utf8'));
  expect(await startCommand(run('echo $$ > pid; exec sleep 600', 20_000, cwd), [])).toMatchObject({ reason: 'done' });
  process.kill(pid(), 'SIGKILL');
  const closed = await startCommand(run('echo $$ > pid; exec sleep 600', 300, cwd), [{ port: 1, protocol: 'tcp' }]);
  const late = pid();
  onTestFinished(() => void process.kill(late, 'SIGKILL'));
  expect(closed).toMatchObject({ reason: 'timed_out' });
  expect(isAlive(late)).toBe(true);
});
