import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { EventView, WhyView } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { eventsOf, serviceOf, untilService } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const STACK = path.resolve(import.meta.dirname, '../../examples/stack');

/** PostgreSQL as the example stack runs it, held back for some seconds, and services above it, one for each `on_down`. */
async function heldBack(reeve: TestReeve, seconds: number): Promise<void> {
  for (const part of ['prepare.sh', 'postgres.sh', 'html'])
    cpSync(path.join(STACK, part), path.join(reeve.folder, part), { recursive: true });
  const port = await reeve.port();
  const user = process.getuid?.() === 0 ? { user: 'postgres' } : {};
  const env = { DB_USER: process.getuid?.() === 0 ? 'postgres' : `${process.env['USER']}` };
  const needs = (on_down: string) => ({
    command: reeve.program('stays', `name=${on_down}`),
    depends_on: { db: { condition: 'healthy', on_down } },
  });
  reeve.project({
    services: {
      prepare: { command: ['sh', 'prepare.sh'], env, oneshot: true },
      'init-db': {
        command: ['sh', 'postgres.sh', 'init'],
        ...user,
        oneshot: true,
        depends_on: { prepare: 'completed' },
      },
      db: {
        command: ['sh', '-c', `sleep ${seconds}; exec sh postgres.sh serve`],
        ...user,
        ports: { postgres: port },
        ready: { log: 'database system is ready to accept connections' },
        health: { tcp: `${port}`, interval: '200ms' },
        stop: { signal: 'SIGINT', timeout: '20s' },
        restart: { policy: 'always', backoff: '200ms' },
        depends_on: { 'init-db': 'completed' },
      },
      ignores: needs('ignore'),
      restarts: needs('restart'),
      stops: needs('stop'),
      pauses: needs('pause'),
      web: { command: reeve.program('stays', 'name=web'), depends_on: ['stops'] },
    },
  });
}

/** `T` in /proc: suspended. */
function isSuspended(pid: number | null): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}
const named = (events: readonly EventView[], name: string) => events.filter(({ event }) => event === name);

test('PostgreSQL held back: dependants wait and name it; killed: each does what its on_down says', async () => {
  await using reeve = startReeve();
  await heldBack(reeve, 10);
  const up = reeve.start(['up', '-d', '--timeout', '90s']);
  for (const name of ['ignores', 'restarts', 'stops', 'pauses', 'web']) {
    await untilService(reeve, name, ({ state }) => state === 'waiting');
  }
  await untilService(reeve, 'db', ({ state }) => state === 'starting');
  const names = ['ignores', 'restarts', 'stops', 'pauses', 'web'];
  for (const why of await Promise.all(names.map((name) => reeve.json<WhyView>(['why', name])))) {
    expect(why.roots, why.summary).toMatchObject([{ name: 'db', state: 'starting', intent: 'up' }]);
    expect(why.summary).toContain('db is not ready yet');
    expect(why.try).toContain('reeve why db');
  }
  expect((await up.ended).code).toBe(0);

  const before = new Map<string, number | null>();
  for (const name of ['ignores', 'restarts', 'stops', 'pauses']) before.set(name, (await serviceOf(reeve, name)).pid);
  await reeve.run(['signal', 'KILL', 'db']);

  const stopped = await untilService(reeve, 'stops', ({ state, pid }) => state === 'waiting' && pid === null);
  expect(stopped.reason).toMatch(/^db (has ended|is)/);
  const paused = await untilService(reeve, 'pauses', ({ state }) => state === 'waiting');
  expect(paused).toMatchObject({ pid: before.get('pauses'), ready: false });
  expect(paused.reason).toMatch(/^paused: db /);
  expect(isSuspended(paused.pid)).toBe(true);
  for (const name of ['stops', 'pauses']) {
    const why = await reeve.json<WhyView>(['why', name]);
    expect(
      why.roots.map((root) => root.name),
      name,
    ).toEqual(['db']);
    expect(why.because[0], name).toMatchObject({ service: 'db', event: 'service.signalled' });
  }
  const ignoring = await serviceOf(reeve, 'ignores');
  expect(ignoring).toMatchObject({ state: 'running', pid: before.get('ignores'), restarts: 0 });
  const running = await serviceOf(reeve, 'restarts');
  expect(running).toMatchObject({ state: 'running', pid: before.get('restarts') });

  // It is back: what was stopped starts, what was paused continues, what is to restart does so once.
  await untilService(reeve, 'db', ({ health }) => health === 'healthy');
  const again = await untilService(reeve, 'stops', ({ state }) => state === 'running');
  expect(again.pid).not.toBe(before.get('stops'));
  const on = await untilService(reeve, 'pauses', ({ state }) => state === 'running');
  expect(on).toMatchObject({ pid: before.get('pauses'), restarts: 0 });
  await until('it is woken', () => !isSuspended(on.pid));
  const fresh = await untilService(reeve, 'restarts', ({ restarts, state }) => restarts === 1 && state === 'running');
  expect(fresh).toMatchObject({ exit: { cause: 'dependency' } });
  expect(fresh.pid).not.toBe(before.get('restarts'));
  expect((await serviceOf(reeve, 'ignores')).pid).toBe(before.get('ignores'));
}, 120_000);

/** How often it was up for about a second or more between two ends: what depends on it may take that for the end of an outage. */
function longStays(events: readonly EventView[]): number {
  const ends = events.filter(({ event }) => event === 'service.exited').map(({ at }) => Date.parse(at));
  const starts = events.filter(({ event }) => event === 'service.started').map(({ at }) => Date.parse(at));
  return ends.slice(1).filter((end) => end - Math.max(...starts.filter((start) => start < end)) > 800).length;
}

describe('while running', () => {
  test('a dependency that flaps restarts its dependant once, when it has stayed', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        db: { command: reeve.program('stays'), restart: { policy: 'always', backoff: '100ms', limit: 'none' } },
        api: {
          command: reeve.program('stays', 'name=api'),
          depends_on: { db: { condition: 'ready', on_down: 'restart' } },
          restart: { limit: '1 per 60s', backoff: '10ms' },
        },
      },
    });
    await reeve.json(['up']);
    for (let outage = 1; outage <= 4; outage++) {
      const { pid } = await serviceOf(reeve, 'db');
      await reeve.run(['signal', 'KILL', 'db']);
      await untilService(reeve, 'db', (db) => db.state === 'running' && db.pid !== null && db.pid !== pid);
    }
    const api = await untilService(reeve, 'api', ({ restarts, state }) => restarts > 0 && state === 'running');
    // An outage lasts until db has been back for a second: usually each kill takes less, and all four are one outage.
    const outages = 1 + longStays(await eventsOf(reeve, 'db'));
    expect(api.restarts).toBeLessThanOrEqual(outages);
    expect(named(await eventsOf(reeve, 'api'), 'service.dependency_lost').length).toBeLessThanOrEqual(outages);
  });

  test('a soft dependency that has failed for good stops no dependant', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        cache: { command: reeve.program('stays'), restart: 'never' },
        api: {
          command: reeve.program('stays', 'name=api'),
          depends_on: { cache: { condition: 'ready', required: false, on_down: 'ignore' } },
        },
      },
    });
    await reeve.json(['up']);
    const before = await serviceOf(reeve, 'api');
    await reeve.run(['signal', 'KILL', 'cache']);
    await untilService(reeve, 'cache', ({ state }) => state === 'failed');
    expect(await serviceOf(reeve, 'api')).toMatchObject({ state: 'running', pid: before.pid });
    await reeve.json(['restart', 'api']);
    expect((await serviceOf(reeve, 'api')).state).toBe('running');
  });

  test('stopping a service that waits ends the wait, and it does not start later', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        db: { command: reeve.program('stays'), ready: { log: 'never written', timeout: '60s' } },
        api: { command: reeve.program('stays', 'name=api'), depends_on: ['db'] },
      },
    });
    const up = reeve.start(['up', '-d', 'api']);
    await untilService(reeve, 'api', ({ state }) => state === 'waiting');
    await reeve.json(['stop', 'api']);
    expect(await serviceOf(reeve, 'api')).toMatchObject({ state: 'stopped', intent: 'down' });
    up.kill();
    expect(named(await eventsOf(reeve, 'api'), 'service.started')).toEqual([]);
  });
});
