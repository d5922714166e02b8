import type { EventView, PsView } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const service = async (reeve: TestReeve, name: string) => {
  const found = (await reeve.json<PsView>(['ps'])).services.find((s) => s.name === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
};

describe('a service whose main process is killed', () => {
  test('runs again, is counted, and events say why', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { web: { command: [...reeve.program('stays')], restart: { backoff: '10ms..100ms' } } } });
    await reeve.run(['up', '-d']);
    const before = await service(reeve, 'web');
    process.kill(Number(before.pid), 'SIGKILL');
    const after = await until('a new process is there', async () => {
      const now = await service(reeve, 'web');
      return now.state === 'running' && now.pid !== before.pid && now;
    });
    expect(after).toMatchObject({ restarts: 1, exit: { kind: 'signal', signal: 'SIGKILL', code: null } });
    const events = (await reeve.run(['events', 'web', '--json'])).jsonLines() as EventView[];
    expect(events.find((e) => e.event === 'service.exited')?.message).toContain('SIGKILL');
    expect(events.find((e) => e.event === 'service.restarting')?.message).toContain('SIGKILL');
  });

  test('that crashes at once stops at its limit, says so, and starts again when asked', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        bad: {
          command: [...reeve.program('exit-with', 'code=1')],
          restart: { policy: 'on-failure', backoff: 0, limit: '3 per 60s' },
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(1);
    expect(await service(reeve, 'bad')).toMatchObject({
      state: 'failed',
      restarts: 3,
      reason: expect.stringContaining('3 times in 60s'),
    });
    expect((await reeve.run(['start', 'bad'])).code).toBe(1);
  });

  test('leaves children: they are ended before the next start', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        parent: {
          command: [...reeve.program('keeps-a-child')],
          ready: { log: 'child \\d+' },
          restart: { backoff: '10ms..100ms' },
          stop: { timeout: '2s' },
        },
      },
    });
    await reeve.run(['up', '-d']);
    const before = await service(reeve, 'parent');
    process.kill(Number(before.pid), 'SIGKILL');
    await until('a new parent runs', async () => {
      const now = await service(reeve, 'parent');
      return now.state === 'running' && now.pid !== before.pid;
    });
    expect(reeve.outside().filter((p) => p.command.includes('stays.mjs'))).toHaveLength(1);
  });
});

test('a keeper with nothing to hold does not outlive its daemon for long', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
  expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
  for (const p of reeve.outside().filter((p) => p.command.includes('reeved.js'))) process.kill(p.pid, 'SIGKILL');
  await until('the keeper has gone by itself', () => reeve.outside().length === 0);
});

test('ps, status, logs and events work with the daemon stopped, and tell what still runs', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
  await reeve.run(['up', '-d']);
  const before = await service(reeve, 'a');
  expect((await reeve.run(['daemon', 'stop'])).code).toBe(0);
  expect((await reeve.run(['daemon', 'status'])).code).toBe(3);
  const ps = await reeve.json<PsView>(['ps']);
  expect(ps).toMatchObject({ daemon: { running: false, pid: null }, scanned_at: null, unmanaged: [] });
  expect(ps.services[0]).toMatchObject({ name: 'a', state: 'running', pid: before.pid });
  expect((await reeve.run(['status', 'a'])).code).toBe(0);
  expect((await reeve.run(['logs', 'a'])).stdout).toContain('ready');
  expect((await reeve.run(['events'])).stdout).toContain('started');
  expect((await reeve.run(['ports'])).code).toBe(0);
  expect((await reeve.run(['daemon', 'status'])).code).toBe(3);
});
