import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { PsView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { serviceOf } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { shell } from '../harness/shell.ts';
import { until } from '../harness/until.ts';

async function killDaemon(reeve: TestReeve): Promise<void> {
  const { pid } = await reeve.json<{ pid: number }>(['daemon', 'status']);
  process.kill(pid, 'SIGKILL');
  await until('it is gone', async () => (await reeve.run(['daemon', 'status'])).code === 3);
}

test('with the daemon killed every question is answered from memory, by none of them a daemon is started', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid } = await serviceOf(reeve, 'a');
  await killDaemon(reeve);

  expect(await reeve.json<PsView>(['ps'])).toMatchObject({
    daemon: { running: false, pid: null, version: null },
    services: [{ name: 'a', state: 'running', intent: 'up', ready: true, pid, cpu_percent: null, memory_bytes: null }],
    unmanaged: [],
    scanned_at: null,
  });
  const table = await reeve.run(['ps']);
  expect(table.stderr).toContain('the daemon is not running');
  expect((await reeve.run(['status', 'a'])).code).toBe(0);
  expect((await reeve.run(['status', 'b'])).code).toBe(4);
  expect((await reeve.run(['why', 'a'])).stdout).toContain('a is running');
  expect((await reeve.run(['logs', 'a', '--raw'])).stdout).toContain('ready');
  expect((await reeve.run(['events', 'a'])).stdout).toContain('ready');
  expect((await reeve.run(['ports'])).code).toBe(0);
  expect((await reeve.run(['up', '--dry-run'])).stdout).toMatch(/a\s+keep/);
  expect((await reeve.run(['daemon', 'status'])).code).toBe(3);
});

test('with the daemon killed a command that acts starts another, which takes the services over', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid } = await serviceOf(reeve, 'a');
  await killDaemon(reeve);
  expect((await reeve.run(['wait', 'a', '--timeout', '20s'])).code).toBe(0);
  expect((await serviceOf(reeve, 'a')).pid).toBe(pid);
  await killDaemon(reeve);
  expect((await reeve.run(['exec', 'a', 'true'])).code).toBe(0);
  await killDaemon(reeve);
  const stop = await reeve.run(['stop', '--json']);
  expect(stop.json()).toMatchObject({ status: 'COMPLETE', services: [{ name: 'a', processes: [{ pid }] }] });
});

test('up --attach outlives its daemon, and still stops what it started', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  const client = reeve.start(['up', '--attach']);
  await client.line(/Ctrl-C stops/);
  await killDaemon(reeve);
  await client.line(/the daemon has gone/);
  client.signal('SIGINT');
  const { code, stdout } = await client.ended;
  expect(code).toBe(130);
  expect(stdout).toContain('COMPLETE');
});

test('U16: a folder that has been removed is not a reason to fail, and its project can still be seen and stopped', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
  const gone = path.join(reeve.folder, 'gone');
  const line =
    'mkdir gone && cd gone && rmdir ../gone; reeve version; reeve help; reeve -C .. up -d; reeve -C .. ps; reeve ps; echo $?';
  const { stdout, stderr } = await shell(reeve, line);
  expect(stdout.toString()).toMatch(/^reeve .*Examples.*1 of 1 up.*a\trunning.*\n2\n$/s);
  expect(stderr.toString()).toMatch(new RegExp(`^✗ there is no folder ${gone}\\n.*has been removed`));
  const removed = await shell(
    reeve,
    'rm -rf ../project; for c in ps "why a" "logs a" "stop"; do reeve $c || echo failed; done',
  );
  expect(removed.stdout.toString()).toMatch(/a\trunning.*a is running.*COMPLETE/s);
  expect(removed.stdout.toString()).not.toContain('failed');
  mkdirSync(reeve.folder);
  const all = await shell(reeve, 'rm -rf ../project; reeve stop --all; echo $?');
  mkdirSync(reeve.folder);
  expect(all.stdout.toString()).toMatch(/COMPLETE.*\n0\n/s);
});
