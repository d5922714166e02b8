import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { type EndOptions, endProcesses, type Target } from './end-processes.ts';
import { identify } from './linux/identity.ts';
import { isLiveState, readStat } from './linux/proc-stat.ts';
import { commandOf } from './linux/process-table.ts';

const options = (change: Partial<EndOptions> = {}): EndOptions => ({
  grace: 5_000,
  budget: 5_000,
  spare: () => false,
  ...change,
});

function start(script: string): ChildProcess {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  onTestFinished(() => void (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')));
  return child;
}

async function lineOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no output');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return line;
}

function target(pid: number | undefined): Target {
  const process = identify(Number(pid));
  if (process === null) throw new Error(`${pid} is not alive`);
  return { process, command: commandOf({ pid: process.pid, comm: '?' }), foundBy: ['main'] };
}

function isAlive(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== null && isLiveState(stat);
}

test('the named one is asked first; what it leaves behind is ended too, and told how it was found', async () => {
  const child = start('sleep 1000 & echo $!; wait');
  const orphan = Number(await lineOf(child));
  const endings = await endProcesses([target(child.pid)], options());
  expect(endings).toMatchObject([
    { process: { pid: child.pid }, foundBy: ['main'], signals: ['SIGTERM'], left: null },
    { process: { pid: orphan }, foundBy: ['tree'], signals: ['SIGTERM'], left: null },
  ]);
  expect(isAlive(orphan)).toBe(false);
});

test('who ignores SIGTERM is killed when the grace is over', async () => {
  const child = start('trap "" TERM; echo deaf; while :; do sleep 1000; done');
  await lineOf(child);
  const endings = await endProcesses([target(child.pid)], options({ grace: 300 }));
  expect(endings.map((e) => e.left)).toEqual(endings.map(() => null));
  expect(endings[0]?.signals).toEqual(['SIGTERM', 'SIGKILL']);
});

test('who was stopped hears SIGTERM', async () => {
  const child = start('trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done');
  await lineOf(child);
  const named = target(child.pid);
  child.kill('SIGSTOP');
  const ended = once(child, 'exit');
  await endProcesses([named], options());
  expect(await ended).toEqual([5, null]);
});

test('what is spared lives on, and so does what hangs below it', async () => {
  const child = start('sh -c "sleep 1000 & echo \\$\\$ \\$!; wait" & wait');
  const [spared = 0, below = 0] = (await lineOf(child)).split(' ').map(Number);
  onTestFinished(() => {
    for (const pid of [below, spared]) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  const endings = await endProcesses(
    [target(child.pid)],
    options({ spare: ({ pid }) => pid === spared || pid === below }),
  );
  expect(endings.map((e) => e.process.pid)).toEqual([child.pid]);
  expect([isAlive(spared), isAlive(below)]).toEqual([true, true]);
});

test('another process with the same pid is not touched', async () => {
  const child = start('echo here; exec sleep 1000');
  await lineOf(child);
  const { process, ...named } = target(child.pid);
  const other = { ...named, process: { ...process, start: process.start - 1 } };
  expect(await endProcesses([other], options({ grace: 50, budget: 50 }))).toMatchObject([{ signals: [], left: null }]);
  expect(isAlive(Number(child.pid))).toBe(true);
});
