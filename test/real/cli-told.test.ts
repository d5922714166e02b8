import path from 'node:path';
import type { EventView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { openRegistryReadonly } from '../../packages/reeve/src/registry/open-readonly.ts';
import { serviceOf } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';

test('U14: a program that puts itself in the background: up, ps, why and events say what became of it', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      daemon: {
        command: [...reeve.program('double-forks', 'main=exit')],
        ready: { log: 'never said' },
        stop: { timeout: '1s' },
      },
      well: { command: 'true', ready: { log: 'never said' } },
    },
  });
  const up = await reeve.run(['up', '-d']);
  expect(up.code).toBe(1);
  expect(up.stdout + up.stderr).toMatch(/daemon stopped .*left background processes.*foreground/);
  expect(up.stdout + up.stderr).toMatch(/well stopped .*exited with code 0, and was to stay up: `oneshot: true`/);
  expect((await serviceOf(reeve, 'daemon')).reason).toContain('run it in the foreground');
  expect((await reeve.run(['why', 'daemon'])).stdout).toMatch(/^daemon is stopped .*left background processes/);
  const events = (await reeve.run(['events', 'daemon', '--json'])).jsonLines() as readonly EventView[];
  expect(events.map(({ event }) => event)).toContain('service.left_behind');
});

test('U14: an attached up tells what happens to the services, and every later Ctrl-C is answered', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      db: { command: [...reeve.program('stays', 'name=db')], ready: { log: 'ready' }, restart: { backoff: 0 } },
      slow: { command: [...reeve.program('ignores-sigterm')], ready: { log: '.' }, stop: { timeout: '20s' } },
    },
  });
  const client = reeve.start(['up', '--attach']);
  await client.line(/Ctrl-C stops/);
  const { pid } = await serviceOf(reeve, 'db');
  process.kill(pid ?? 0, 'SIGKILL');
  await client.line(/── db: killed by SIGKILL.*restart 1/);
  await client.line(/── db: ready/);
  client.signal('SIGINT');
  await client.line(/^stopping/);
  const answered = client.line(/still stopping\. Ctrl-C again detaches/);
  // A person cannot press twice within a tenth of a second; a test can.
  const press = setInterval(() => client.signal('SIGINT'), 150);
  await answered;
  const { code } = await client.ended.finally(() => clearInterval(press));
  expect(code).toBe(130);
  expect((await reeve.run(['stop', '--force'])).code).toBe(0);
});

test('U14: down says that the project is forgotten, and a restart of nothing that there is nothing', async () => {
  await using reeve = startReeve();
  expect((await reeve.run(['restart', '--all'])).stderr).toContain('nothing to restart');
  reeve.project({ project: 'shop', services: { a: { command: [...reeve.program('stays')] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const down = await reeve.run(['down']);
  expect(down.stdout).toContain('COMPLETE');
  expect(down.stderr).toContain('shop is forgotten; its logs and history stay until reeve down --purge');
  expect((await reeve.run(['down'])).stderr).not.toContain('forgotten');
  expect((await reeve.run(['restart', '--all'])).stderr).toContain('nothing to restart');
});

test('U29: restart --all starts a project that was stopped, as restart does', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  expect((await reeve.run(['stop'])).code).toBe(0);
  expect((await reeve.run(['restart', '--all'])).stdout).toMatch(/\/a {2}ready/);
  expect((await reeve.run(['status', 'a'])).code).toBe(0);
});

test('U29: Ctrl-C during up -d says that the start continues', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: { a: { command: [...reeve.program('stays')], ready: { log: 'never said', timeout: '100s' } } },
  });
  const client = reeve.start(['up', '-d']);
  await client.line(/a starting/);
  client.signal('SIGINT');
  const { code, stderr } = await client.ended;
  expect([code, stderr]).toEqual([130, expect.stringContaining('the start continues in the daemon')]);
});

test('U29: who starts side by side is said, what depends on a stopped service, what has no effect, and each process of the receipt', async () => {
  await using reeve = startReeve();
  const service = (...needs: readonly string[]) => ({ command: [...reeve.program('stays')], depends_on: needs });
  reeve.project({
    services: {
      db: { ...service(), watch: { paths: ['x'] } },
      api: service('db'),
      worker: service('db'),
      web: service('api'),
    },
  });
  const order = 'order: db → api, worker → web';
  expect((await reeve.run(['graph'])).stderr).toContain(order);
  const up = await reeve.run(['up', '-d', '--verbose']);
  expect(up.stdout).toContain(order);
  expect(up.stderr).toContain('note: services.db.watch: ignored: not implemented yet');
  expect((await reeve.run(['restart', '--verbose'])).stdout).toContain(order);
  const stop = await reeve.run(['stop', 'db']);
  expect(stop.stderr).toContain('note: api, worker depend on db and keep running');
  expect(stop.stdout).toMatch(/SERVICE\tPID\tFOUND BY\tSIGNALS\tEXIT\tCOMMAND\ndb\t\d+\t\S.*\tSIGTERM\t.*stays/);
  expect((await reeve.run(['ls'])).stdout).toContain('api\trunning');
});

test('U18: in a folder with the config of another manager it is named', async () => {
  await using reeve = startReeve();
  reeve.file('docker-compose.yml', '');
  reeve.file('Procfile', '');
  for (const command of [['up'], ['validate'], ['ps'], ['status', 'a']]) {
    const { stderr } = await reeve.run(command);
    expect(stderr, command[0]).toContain('Procfile and docker-compose.yml (Docker Compose)');
  }
});

test('D17, D19: events -f, begun before there is a registry, tells all; and a run’s row says when it became ready', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  const following = reeve.start(['events', '-f', '--all']);
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await following.line(/a {2}ready/);
  expect((await reeve.run(['stop'])).code).toBe(0);
  await following.line(/a {2}stopped/);
  following.signal('SIGINT');
  expect((await following.ended).code).toBe(130);
  const registry = openRegistryReadonly(path.join(reeve.home, 'reeve.db'));
  const [run] = registry?.runs.of(reeve.folder, 'a', 0, 1) ?? [];
  registry?.close();
  expect(run?.ready_at).toBeGreaterThanOrEqual(run?.started_at ?? 0);
  expect(run?.ended_at).toBeGreaterThanOrEqual(run?.ready_at ?? 0);
});
