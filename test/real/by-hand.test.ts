import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PortRow, PsView, ServiceView, Waited, WhyView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { startByHand } from '../harness/by-hand.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';

const NAME = 'my-service';

/** Every command that is about a service, of one that runs by hand. */
async function expectKnown(reeve: TestReeve, pid: number, port: number): Promise<void> {
  const status = await reeve.json<{ services: readonly ServiceView[] }>(['status', NAME]);
  expect(status.services).toMatchObject([{ name: NAME, state: 'running', pid, ready: true, cwd: reeve.folder }]);
  const [{ id, command, created_at, updated_at } = {}] = status.services as Partial<ServiceView>[];
  expect([id, command]).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/), expect.stringContaining('announces.mjs')]);
  expect(Date.parse(String(updated_at))).toBeGreaterThanOrEqual(Date.parse(String(created_at)));
  expect((await reeve.run(['status', NAME])).stdout).toContain(`pid ${pid}`);
  const why = await reeve.json<WhyView>(['why', NAME]);
  expect(why).toMatchObject({ service: { name: NAME, pid }, survivors: [] });
  expect(why.summary).toContain(`started manually (pid ${pid})`);
  const logs = await reeve.run(['logs', NAME]);
  expect([logs.code, logs.stderr]).toEqual([0, expect.stringContaining(`${NAME} was started manually`)]);
  expect((await reeve.json<Waited>(['wait', NAME])).services).toMatchObject([{ name: NAME, outcome: 'met' }]);
  expect((await reeve.run(['wait', NAME, '--for', 'stopped', '--timeout', '100ms'])).code).toBe(8);
  expect(await reeve.json(['signal', 'CONT', NAME])).toEqual({ signals: [{ service: NAME, signal: 'SIGCONT', pid }] });
  const { ports } = await reeve.json<{ ports: readonly PortRow[] }>(['ports', String(port)]);
  expect(ports).toMatchObject([{ port, service: NAME, listening: true, owner: { pid, ours: true } }]);
  expect((await reeve.run(['ports', String(port)])).stdout).not.toContain('foreign');
}

/** Nothing is forgotten at once when it has ended. */
async function expectEnded(reeve: TestReeve): Promise<void> {
  const status = await reeve.run(['status', NAME, '--json']);
  expect([status.code, status.json()]).toMatchObject([3, { services: [{ name: NAME, state: 'stopped', pid: null }] }]);
  expect((await reeve.json<WhyView>(['why', NAME])).summary).toContain(`${NAME} is stopped`);
  expect((await reeve.run(['wait', NAME, '--for', 'stopped'])).code).toBe(0);
  expect((await reeve.run(['signal', 'CONT', NAME])).code).toBe(3);
}

test('U22: every command knows a service that was started manually, without a config and without a daemon', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  await using service = startByHand(reeve, { service: NAME, port });
  await service.open();
  await expectKnown(reeve, service.pid, port);
  service.kill('SIGTERM');
  expect(await service.ended).toBe(0);
  await expectEnded(reeve);
  expect((await reeve.run(['stop', NAME])).code).toBe(0);
  expect((await reeve.run(['events', NAME])).code).toBe(0);
  expect((await reeve.json<PsView>(['ps'])).services).toMatchObject([{ name: NAME, exit: { kind: 'code', code: 0 } }]);
  expect((await reeve.run(['down'])).code).toBe(0);
  expect((await reeve.run(['status', NAME])).code).toBe(4);
});

test('U22: the same with a daemon and a config, which tells of a death by kill -9 as an event', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  reeve.project({ project: 'shop', services: { [NAME]: { command: [...reeve.program('stays')], autostart: false } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await using service = startByHand(reeve, { service: NAME, port });
  await service.open();
  await expectKnown(reeve, service.pid, port);
  const events = reeve.start(['events', '-f', '--json']);
  await events.line(/"service\.announced"/);
  service.kill('SIGKILL');
  expect(await events.line(/"service\.announced_end"/)).toContain(`pid ${service.pid}`);
  events.signal('SIGTERM');
  await events.ended;
  // A declared service of which no copy lives is reeve's own again.
  expect((await reeve.run(['status', NAME])).code).toBe(3);
  expect((await reeve.run(['wait', NAME, '--for', 'stopped'])).code).toBe(0);
  expect((await reeve.run(['signal', 'CONT', NAME])).code).toBe(3);
});

test('U22: children of a dead service are its own still: why, hunt and kill name them, cleanup ends them', async () => {
  await using reeve = startReeve();
  const [own, left] = [await reeve.port(), await reeve.port()];
  await using service = startByHand(reeve, { service: NAME, port: own, leaves_child: left });
  await service.open();
  service.kill('SIGKILL');
  await service.ended;
  const { survivors } = await reeve.json<WhyView>(['why', NAME]);
  expect(survivors).toMatchObject([{ service: NAME, ports: [left], found_by: ['cookie'] }]);
  const found = await reeve.json<{ processes: readonly unknown[] }>(['hunt', `:${left}`]);
  expect(found.processes).toMatchObject([{ pid: survivors[0]?.pid, service: NAME, ours: true, main: false }]);
  expect((await reeve.run(['ports', String(left)])).stdout).toContain('left over');
  const cleaned = await reeve.run(['cleanup', '--all', '--json']);
  expect([cleaned.code, cleaned.json()]).toMatchObject([
    0,
    { cleanups: [{ service: NAME, ended: [survivors[0]?.pid] }] },
  ]);
  expect((await reeve.json<WhyView>(['why', NAME])).survivors).toEqual([]);
});

test('U22: hunt finds a service by the command line on its card, whatever title it has given itself', async () => {
  await using reeve = startReeve();
  await using service = startByHand(reeve, { service: NAME });
  await service.open();
  const { processes } = await reeve.json<{ processes: readonly { readonly pid: number }[] }>(['hunt', 'announces.mjs']);
  expect(processes.map(({ pid }) => pid)).toContain(service.pid);
});

test('U29: hunt is sure of a process that holds the lock of a service, although its card names no process', async () => {
  await using reeve = startReeve();
  await using service = startByHand(reeve, { service: NAME });
  await service.open();
  const [name = ''] = readdirSync(join(reeve.home, 'run')).filter((each) => /^[0-9a-f]{12}\.json$/.test(each));
  const file = join(reeve.home, 'run', name);
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), process: null }), { mode: 0o600 });
  const { processes } = await reeve.json<{ processes: readonly unknown[] }>(['hunt', NAME]);
  expect(processes).toContainEqual(expect.objectContaining({ pid: service.pid, confidence: 'high' }));
});

test('U22: a second copy of what reeve runs gets the hint to stop it with reeve', async () => {
  await using reeve = startReeve();
  const command = [...reeve.program('announces', JSON.stringify({ service: NAME }))];
  reeve.project({ project: 'shop', services: { [NAME]: { command } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await using second = startByHand(reeve, { service: NAME });
  expect(await second.ended).toBe(5);
  expect(second.output()).toContain(`reeve stop ${NAME}`);
  expect(second.output()).not.toContain('kill ');
});

test('U26: a service that is in the config and announces a clean-up is one row of cleanup', async () => {
  await using reeve = startReeve();
  const command = [...reeve.program('announces', JSON.stringify({ service: NAME, cleanup: 'done' }))];
  reeve.project({ project: 'shop', services: { [NAME]: { command, cleanup: { command: 'echo swept' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { cleanups } = await reeve.json<{ cleanups: readonly unknown[] }>(['cleanup', '--all']);
  expect(cleanups).toMatchObject([{ service: NAME, ok: true, reason: 'done' }]);
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const named = await reeve.json<{ cleanups: readonly unknown[] }>(['cleanup', NAME]);
  expect(named.cleanups).toHaveLength(1);
});
