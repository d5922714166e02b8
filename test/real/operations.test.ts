import path from 'node:path';
import type { KillPush, LogLineView, Requester } from '@reeve/contract';
import { ReeveClient } from '@reeve/sdk';
import { expect, test } from 'vitest';
import { loadConfig } from '../../packages/reeve/src/config/load.ts';
import { openRegistryReadonly } from '../../packages/reeve/src/registry/open-readonly.ts';
import { serviceOf } from '../harness/ask.ts';
import { startByHand } from '../harness/by-hand.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

/** A client of the daemon that is not the CLI. */
const actor: Requester = { kind: 'token', user: 'dashboard', pid: process.pid };
const connect = ({ home }: TestReeve) => ReeveClient.connect({ socket: path.join(home, 'run', 'control.sock'), home });

/** Newest first: who, what, of what, how it ended. */
function auditOf({ home }: TestReeve): readonly string[] {
  const registry = openRegistryReadonly(path.join(home, 'reeve.db'));
  const rows = registry?.audit.newest(20) ?? [];
  registry?.close();
  return rows.map((row) => `${row.actor.replace(/:\d+$/, '')} ${row.action} ${row.target} ${row.outcome}`);
}

test('a client that is not the CLI hunts and kills as the commands do; it is spared itself, and refusals are audited', async () => {
  await using reeve = startReeve();
  reeve.project({
    project: 'shop',
    services: { api: { command: [...reeve.program('stays')], ready: { log: 'ready' } } },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await using client = await connect(reeve);
  const { pid } = await serviceOf(reeve, 'api');
  const { processes } = await client.call('hunt', { query: 'shop/api', actor });
  expect(processes).toContainEqual(expect.objectContaining({ pid, service: 'api', main: true, confidence: 'high' }));
  const order = { typed: 'x', here: null, force: true, timeout: 1_000, actor };
  const own = client.call('kill', { ...order, target: { kind: 'pid', pid: process.pid } });
  await expect(own).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
  const pushes: KillPush[] = [];
  const target = { kind: 'name', project: null, name: 'api' } as const;
  const kill = { ...order, typed: 'api', force: false, target };
  expect(await client.call('kill', kill, { onPush: (push) => pushes.push(push) })).toMatchObject({
    status: 'COMPLETE',
    project: 'shop',
    services: [{ name: 'api', processes: [{ pid }] }],
  });
  expect(pushes[0]).toEqual({ plan: { stops: [{ project: 'shop', services: ['api'] }], manual: [], direct: [] } });
  expect(await serviceOf(reeve, 'api')).toMatchObject({ state: 'stopped', intent: 'down' });
  await client.close();
  await reeve.run(['daemon', 'stop']);
  expect(auditOf(reeve).filter((row) => row.startsWith('token:dashboard kill'))).toEqual([
    'token:dashboard kill api done',
    'token:dashboard kill x refused: NOT_PERMITTED (exit code 7)',
  ]);
});

test('a client that is not the CLI stops what was started manually, as reeve stop does; a start replaces the copy', async () => {
  await using reeve = startReeve();
  reeve.project({
    project: 'shop',
    services: { api: { command: [...reeve.program('stays')] }, db: { command: 'sleep 1000' } },
  });
  expect((await reeve.run(['up', '-d', 'db'])).code).toBe(0);
  await using client = await connect(reeve);
  const project = { folder: reeve.folder };
  const wish = { project, timeout: 5_000, force: false, actor };
  await using copy = startByHand(reeve, { service: 'api' });
  await copy.open();
  const stopped = await client.call('stop', { ...wish, services: ['API'] });
  expect(stopped.receipt).toMatchObject({ project: 'shop', status: 'COMPLETE', services: [{ name: 'api' }] });
  expect(stopped.receipt.services[0]?.processes).toContainEqual(expect.objectContaining({ pid: copy.pid }));
  expect(await copy.ended).toBe(0);
  await using second = startByHand(reeve, { service: 'api' });
  await second.open();
  const started = await client.call('start', { project, services: ['api'], environment: null, actor });
  expect(started.replaced).toEqual([{ service: 'api', pid: second.pid, was_running: true }]);
  expect(await second.ended).toBe(0);
  await using other = startByHand(reeve, { service: 'worker' });
  await other.open();
  const { receipts } = await client.call('stopAll', { timeout: 5_000, force: false, actor });
  const names = receipts.flatMap(({ services }) => services.map(({ name }) => name)).sort();
  expect({ names, project: receipts[0]?.project }).toEqual({ names: ['api', 'db', 'worker'], project: 'shop' });
  expect(await other.ended).toBe(0);
  const unknown = client.call('stop', { ...wish, services: ['nothing'] });
  await expect(unknown).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' });
});

test('a client that is not the CLI reads and follows logs, masked, by name, stream and pattern, until it cancels', async () => {
  await using reeve = startReeve();
  reeve.file('password', 'canary-of-shop\n');
  const script =
    'echo "began with $PASSWORD"; echo aside >&2; read line <go; echo "ended with $PASSWORD"; exec sleep 1000';
  const api = {
    command: ['sh', '-c', `mkfifo go; ${script}`],
    secrets: { PASSWORD: { file: 'password' } },
    ready: { log: 'aside' },
  };
  reeve.project({ project: 'shop', services: { api } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await using client = await connect(reeve);
  const all = { newest: null, since: null, until: null, stream: null, run: null, grep: null, follow: false };
  const wish = { ...all, project: { name: 'shop' }, services: ['api'], actor };
  const lines: string[] = [];
  const onPush = ({ service, stream, line }: LogLineView) => void lines.push(`${service} ${stream} ${line}`);
  expect(await client.call('logs', wish, { onPush })).toEqual({ lines: 2 });
  expect(lines.splice(0).sort()).toEqual(['api err aside', 'api out began with ***']);
  expect(await client.call('logs', { ...wish, stream: 'out', grep: 'be.an' }, { onPush })).toEqual({ lines: 1 });
  expect(await client.call('logs', { ...wish, newest: 0 }, { onPush })).toEqual({ lines: 0 });
  lines.length = 0;
  const enough = new AbortController();
  const following = client.call(
    'logs',
    { ...wish, newest: 1, follow: true },
    { onPush, signal: enough.signal, deadline: Infinity },
  );
  await until('it follows', () => lines.length > 0);
  reeve.file('go', 'on\n');
  await until('the line has come', () => lines.length > 1);
  enough.abort(new Error('enough'));
  await expect(following).rejects.toThrow('enough');
  expect(lines.at(-1)).toBe('api out ended with ***');
  const unknown = client.call('logs', { ...wish, services: ['apj'] });
  await expect(unknown).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN', params: { near: 'api' } });
});

test('a client that is not the CLI asks what up would do, and nothing is done', async () => {
  await using reeve = startReeve();
  const api = { command: [...reeve.program('stays')] };
  reeve.project({ project: 'shop', services: { api, db: { command: 'sleep 1000' } } });
  expect((await reeve.run(['up', '-d', 'db'])).code).toBe(0);
  await using client = await connect(reeve);
  const plan = async (services: readonly string[]) => {
    const { project } = await loadConfig({ cwd: reeve.folder, env: {} });
    const answer = await client.call('plan', { project, environment: {}, services, prune: true, actor });
    return answer.services.map(({ name, action, cost }) => `${name} ${action} ${cost}`).sort();
  };
  reeve.project({ project: 'shop', services: { api, web: { command: 'sleep 1001' } } });
  expect(await plan([])).toEqual(['api start null', 'db stop null', 'web start null']);
  reeve.project({ project: 'shop', services: { api, db: { command: 'sleep 1002' } } });
  expect(await plan(['DB'])).toEqual(['db restart restart']);
  await expect(plan(['nothing'])).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' });
  expect(await serviceOf(reeve, 'db')).toMatchObject({ state: 'running', restarts: 0 });
});
