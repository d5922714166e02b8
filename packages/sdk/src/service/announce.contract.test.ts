import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isListenedOn } from '@reeve/host';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../../test/harness/until.ts';
import { type ProgramWorld, programWorld } from '../test-programs.ts';
import { discover, discoverByCapability, discoverService } from './discover.ts';

let world: ProgramWorld;
beforeEach(async () => {
  world = await programWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const alive = 'setInterval(() => {}, 1e6);';
const announcing = (fields: string) => `
  await sdk.announceProcessManagement({ name: 'stack', ${fields} }); say('announced'); ${alive}`;

test('an announcement is found by name and capability, with what it manages; a killed owner leaves it stale', async () => {
  const program = world.start(
    announcing(
      "processes: ['redis'], ports: [6379, { name: 'ui', port: 8001 }], dependencies: ['db'], capabilities: ['CACHE'], cleanup: () => say('cleaned')",
    ),
  );
  await program.said('announced');
  const found = await discoverByCapability('PROCESS_MANAGER', world.at);
  expect(found).toMatchObject([
    {
      name: 'stack',
      project: 'shop',
      pid: program.pid,
      live: true,
      stale: false,
      capabilities: ['PROCESS_MANAGER', 'CACHE'],
      ports: [6379, 8001],
      dependencies: ['db'],
    },
  ]);
  expect(await discoverByCapability('CACHE', world.at)).toHaveLength(1);
  expect(await discoverByCapability('OTHER', world.at)).toEqual([]);
  expect(await discoverService('nobody', world.at)).toBeNull();
  expect(await found[0]?.status()).toMatchObject({ pid: program.pid, state: 'running' });
  expect(await found[0]?.cleanup()).toMatchObject({ ok: true, reason: 'done', taken: [] });
  await program.said('cleaned');
  program.child.kill('SIGKILL');
  await program.ended;
  const stale = await discoverService('stack', world.at);
  expect(stale).toMatchObject({ live: false, stale: true });
  const outcome = await stale?.cleanup();
  expect(outcome).toMatchObject({ ok: false, reason: 'not_announced' });
  expect(outcome?.message).toContain('its process is gone');
});

test('an announcement that is taken back is not found any more, and its name is free', async () => {
  const program = world.start(
    `
    const one = await sdk.announce({ name: 'stack', data: { a: 1 } }); say('data', JSON.stringify(one.card.data), one.card.capabilities.length);
    await one.close(); say('closed');
    await using two = await Promise.resolve(0).then(() => sdk.announce({ name: 'stack' }));
    say('again');`.replace('await using two =', 'const two ='),
  );
  expect(await program.said('data')).toBe('{"a":1} 0');
  await program.said('again');
  await program.ended;
  expect(await discover(world.at)).toEqual([]);
});

test('two programs cannot announce under one name', async () => {
  const first = world.start(announcing(''));
  await first.said('announced');
  const second = world.start(
    "try { await sdk.announce({ name: 'stack' }); } catch (e) { say('error', e.code, e.pid); }",
  );
  expect(await second.said('error')).toBe(`ALREADY_RUNNING ${first.pid}`);
});

test.each([
  ['throws', "cleanup: () => { throw new Error('broke'); }", { ok: false, reason: 'failed', message: 'broke' }],
  ['hangs', 'cleanup: () => new Promise(() => {}), cleanupTimeout: 50', { ok: false, reason: 'timed_out' }],
  ['hangs as a command', "cleanup: 'sleep 1000', cleanupTimeout: 50", { ok: false, reason: 'timed_out' }],
  [
    'fails as a command',
    "cleanup: ['sh', '-c', 'echo why >&2; exit 3']",
    { ok: false, reason: 'failed', message: 'exit code 3: why' },
  ],
  ['is not there', "cleanup: ['/nowhere/at/all']", { ok: false, reason: 'failed' }],
  ['was not announced', '', { ok: false, reason: 'not_announced' }],
])('a clean-up that %s is reported as such', async (_what, fields, expected) => {
  const program = world.start(announcing(fields));
  await program.said('announced');
  expect(await (await discoverService('stack', world.at))?.cleanup()).toMatchObject(expected);
});

test('a clean-up that leaves the port taken is not done, whatever it says', async () => {
  const program = world.start(`
    const { createServer } = await import('node:net');
    const server = createServer().listen(0, '127.0.0.1', async () => {
      const { port } = server.address();
      await sdk.announceProcessManagement({ name: 'stack', ports: [port], cleanup: () => {} });
      say('port', port);
    });`);
  const port = Number(await program.said('port'));
  expect(await (await discoverService('stack', world.at))?.cleanup()).toMatchObject({
    ok: false,
    reason: 'survived',
    taken: [port],
  });
});

test('an announced start is done when its ports are listened on, and continues without us; a dead owner’s command still runs', async () => {
  writeFileSync(
    join(world.folder, 'serve.mjs'),
    "import net from 'node:net'; net.createServer().listen(Number(process.argv[2]), '127.0.0.1');",
  );
  const program = world.start(`
    const { createServer } = await import('node:net');
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(async () => {
        await sdk.announceProcessManagement({ name: 'stack', ports: [port], start: [process.execPath, 'serve.mjs', String(port)], cleanup: 'kill $(cat pid)' });
        say('port', port);
      });
    });
    ${alive}`);
  const port = Number(await program.said('port'));
  const manager = await discoverService('stack', world.at);
  expect(await manager?.start()).toMatchObject({ ok: true, reason: 'done' });
  expect(isListenedOn(port, 'tcp')).toBe(true);
  program.child.kill('SIGKILL');
  await program.ended;
  expect(isListenedOn(port, 'tcp')).toBe(true);
  const holder = await import('../manager/ports.ts');
  expect(await holder.killProcessOnPort(port)).toMatchObject({ ok: true });
  const stale = await discoverService('stack', world.at);
  process.env['REEVE_HOME'] = world.home; // so that it is ended with the test
  expect(await stale?.start()).toMatchObject({ ok: true });
  delete process.env['REEVE_HOME'];
  await until('it serves', () => isListenedOn(port, 'tcp'));
});

test('a service announces under its own name, and waits for its dependencies by their own word', async () => {
  const web = world.start(`
    class Web extends sdk.ManagedService {
      constructor() { super('web'); }
      async run() {
        this.announceProcessManagement({ ports: [8081], cleanup: () => say('cleaned') });
        try { await this.dependency('unknown', { timeout: 50 }); } catch (e) { say('missing', e.code, e.message); }
        try { await this.endpoint('unknown'); } catch (e) { say('unknown', e.code); }
        const { host, port } = await this.dependency('database', { timeout: 20000 });
        say('endpoint', host, port);
        await this.ready(); await this.untilStopped();
      }
    }
    await Web.main();`);
  expect(await web.said('missing')).toBe(
    'TIMED_OUT unknown of shop is not ready after 0.05 s: no service of that name is known',
  );
  expect(await web.said('unknown')).toBe('SERVICE_UNKNOWN');
  const database = world.start(`
    class Database extends sdk.ManagedService {
      constructor() { super('database'); }
      async run() { this.register({ port: 5433 }); this.health('unhealthy', 'warming up'); await this.ready(); say('up'); process.once('SIGUSR2', () => this.health('healthy')); await this.untilStopped(); }
    }
    await Database.main();`);
  await database.said('up');
  const late = world.start(
    "class A extends sdk.ManagedService { constructor() { super('a'); } async run() { try { await this.dependency('database', { timeout: 100 }); } catch (e) { say('late', e.message); } } } await A.main();",
  );
  expect(await late.said('late')).toContain('it is unhealthy (warming up)');
  database.child.kill('SIGUSR2');
  expect(await web.said('endpoint')).toBe('127.0.0.1 5433');
  const found = await discoverService('web', world.at);
  expect(await found?.cleanup()).toMatchObject({ ok: true });
  await web.said('cleaned');
  await found?.shutdown('enough');
  expect((await web.ended).code).toBe(0);
});
