import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ProgramWorld, programWorld } from '../test-programs.ts';
import { askService } from './ask-service.ts';
import { livenessOf, readCard } from './cards.ts';
import { findPlace } from './place.ts';

let world: ProgramWorld;
beforeEach(async () => {
  world = await programWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const place = (service = 'web-editor') => findPlace(service, { ...world.at, env: {} });
const editor = (body = '', more = '') => `
  class WebEditor extends sdk.ManagedService {
    constructor() { super('web-editor', 'shop-web-editor'); ${more} }
    async run() { ${body} await this.ready(); say('ready'); await this.untilStopped(); say('stopped'); }
  }`;

test('a service run by hand, with no daemon, has a title, a card and a socket that describes it', async () => {
  const program = world.start(
    `${editor("this.register({ port: 8081, version: '1.2.0', features: ['live'] });")} await WebEditor.main();`,
  );
  await program.said('ready');
  const { card: file, id, folder, socket } = await place();
  const card = readCard(file);
  expect(card).toMatchObject({
    id,
    folder,
    project: 'shop',
    service: 'web-editor',
    instance: 0,
    kind: 'service',
    title: 'shop-web-editor',
    pid: program.pid,
    state: 'running',
    ready: true,
    run: null,
    data: { port: 8081, version: '1.2.0', features: ['live'] },
    ports: [{ name: null, port: 8081, protocol: 'tcp' }],
  });
  expect(await askService({ service: 'web-editor', socket }, 'describe', {})).toEqual(card);
  expect(await askService({ service: 'web-editor', socket }, 'ping', {})).toMatchObject({ pid: program.pid, id });
  const status = await askService({ service: 'web-editor', socket }, 'status', {});
  expect(status).toMatchObject({ pid: program.pid, ready: true, ports: [{ port: 8081, in_use: false }] });
  expect(readFileSync(`/proc/${program.pid}/cmdline`, 'utf8')).toContain('shop-web-editor');
});

test('asked over its socket to shut down it ends in order: exit code 0, the card says so, the socket is gone', async () => {
  const program = world.start(`${editor()} await WebEditor.main();`);
  await program.said('ready');
  const { socket, card, lock } = await place();
  const answer = await askService({ service: 'web-editor', socket }, 'shutdown', { reason: 'a test', timeout: null });
  expect(answer).toEqual({ accepted: true, pid: program.pid });
  expect(await program.ended).toMatchObject({ code: 0, signal: null });
  expect(existsSync(socket)).toBe(false);
  expect(existsSync(lock)).toBe(true);
  expect(readCard(card)).toMatchObject({ state: 'stopped', ready: false });
});

test('a second copy is refused with the pid of the first, exit code 5; kill -9 of the first frees the name', async () => {
  const first = world.start(`${editor()} await WebEditor.main();`);
  await first.said('ready');
  const second = await world.start(`${editor()} await WebEditor.main();`).ended;
  expect(second.code).toBe(5);
  expect(second.stderr).toContain(`web-editor is already running in shop (pid ${first.pid})`);
  const caught = world.start(
    `${editor()} try { await WebEditor.open(); } catch (e) { say('error', e.constructor.name, e.code, e.pid); }`,
  );
  expect(await caught.said('error')).toBe(`AlreadyRunning ALREADY_RUNNING ${first.pid}`);
  first.child.kill('SIGKILL');
  await first.ended;
  const dead = readCard((await place()).card);
  expect(dead === null ? null : livenessOf(dead)).toBe('stale');
  const third = world.start(`${editor()} await WebEditor.main();`);
  await third.said('ready');
  expect(readCard((await place()).card)?.pid).toBe(third.pid);
});

test('a second copy hands its command line and folder over and ends politely', async () => {
  const listening = "this.onSecondInstance((argv, cwd) => say('second', argv.slice(2).join(' '), cwd));";
  const first = world.start(`${editor('', listening)} await WebEditor.main();`);
  await first.said('ready');
  const second = await world.start(`${editor('', listening)} await WebEditor.main();`, { args: ['open', 'a.txt'] })
    .ended;
  expect(second.code, second.stderr).toBe(0);
  expect(await first.said('second')).toBe(`open a.txt ${world.folder}`);
  expect(first.child.exitCode).toBeNull();
});

test('names and titles that are none are refused, and the error says what a good one looks like', async () => {
  const make = (name: string, title: string) =>
    world.start(
      `class A extends sdk.ManagedService { constructor() { super(${name}, ${title}); } run() {} } await A.main();`,
    ).ended;
  const bad = await make("'WebEditor'", 'null');
  expect(bad).toMatchObject({ code: 2 });
  expect(bad.stderr).toContain('for example: web-editor');
  const title = await make("'web-editor'", "'web-editor'");
  expect(title).toMatchObject({ code: 2 });
  expect(title.stderr).toContain('for example: shop-web-editor');
});

test('a title that the system has no room for is said, with the way to have it whole', async () => {
  const long = `shop-${'x'.repeat(240)}`;
  const program = world.start(`
    class A extends sdk.ManagedService { constructor() { super('a', '${long}'); } run() { say('cut', this.register({}).cut); } }
    await A.main();`);
  expect(await program.said('cut')).toBe('true');
  expect((await program.ended).stderr).toContain(`node --title=${long}`);
});

test('await using and try … finally end alike: a run that throws is cleaned up after, and its error stays', async () => {
  const failing = `class A extends sdk.ManagedService { constructor() { super('a'); this.onStop(() => say('cleaned')); } async run() { throw new Error('broke'); } }`;
  // `await using` in the words of Node 20: what TypeScript makes of it.
  const using = await world.start(
    `${failing} const a = await A.open(); try { await a.run(); } finally { await a[Symbol.asyncDispose](); }`,
  ).ended;
  const twin = await world.start(
    `${failing} const a = await A.open(); try { await a.run(); } finally { await a.close(); }`,
  ).ended;
  const main = await world.start(`${failing} await A.main();`).ended;
  for (const ended of [using, twin, main]) {
    expect(ended.code).toBe(1);
    expect(ended.stdout).toBe('cleaned\n');
    expect(ended.stderr).toContain('broke');
  }
  expect(readCard((await place('a')).card)).toMatchObject({ state: 'stopped' });
});

test('without a supervisor ready, status, watchdog and health do no harm; before open neither', async () => {
  const program = world.start(`
    class A extends sdk.ManagedService { constructor() { super('a'); this.status('early'); this.register({ port: 80 }); } async run() {} }
    const a = new A(); await a.ready(); a.watchdog(); a.health('healthy'); await a.close(); say('done');
    const b = await A.open(); b.watchdog(); b.health('unhealthy', 'no database'); say('card', JSON.stringify(b.describeStatus())); await b.close();`);
  await program.said('done');
  expect(JSON.parse(await program.said('card'))).toMatchObject({
    status: 'early',
    health: 'unhealthy',
    health_reason: 'no database',
    ports: [{ port: 80 }],
  });
  expect((await program.ended).code).toBe(0);
});

test('workers and intervals are stopped and waited for in reverse order; one that fails makes the service unhealthy', async () => {
  const program = world.start(`
    const pause = (ms) => new Promise((r) => setTimeout(r, ms));
    class A extends sdk.ManagedService {
      constructor() { super('a'); }
      async run() {
        this.worker('first', async (signal) => { await new Promise((r) => signal.addEventListener('abort', r)); await pause(20); say('first ended'); });
        let ticks = 0;
        this.interval('tick', 5, async () => { ticks++; if (ticks === 2) say('ticking'); if (ticks === 1) throw new Error('tick broke'); });
        this.worker('last', async (signal) => { await new Promise((r) => signal.addEventListener('abort', r)); await pause(50); say('last ended'); });
        await this.ready();
        await this.untilStopped();
      }
    }
    await A.main();`);
  await program.said('ticking');
  const { socket } = await place('a');
  const status = await askService({ service: 'a', socket }, 'status', {});
  expect(status).toMatchObject({ health: 'unhealthy', health_reason: 'interval tick: tick broke' });
  program.child.kill('SIGTERM');
  const { code, stdout } = await program.ended;
  expect(stdout.trim().split('\n').slice(-2)).toEqual(['last ended', 'first ended']);
  expect(code).toBe(0);
});

test('SIGHUP reloads where the service can, and stops it where it cannot', async () => {
  const can = world.start(`${editor('', "this.onReload(() => say('reloaded'));")} await WebEditor.main();`);
  await can.said('ready');
  can.child.kill('SIGHUP');
  await can.said('reloaded');
  can.child.kill('SIGTERM');
  expect((await can.ended).code).toBe(0);
  const cannot = world.start(`${editor()} await WebEditor.main();`);
  await cannot.said('ready');
  cannot.child.kill('SIGHUP');
  expect(await cannot.ended).toMatchObject({ code: 0, signal: null });
});

describe('one holder', () => {
  test.each([
    ['with the binding', true],
    ['without it', false],
  ])(
    'of 100 processes that race for a name exactly one holds it, the others get its pid (%s)',
    async (_how, binding) => {
      await using arena = await programWorld(binding);
      const code = `
      class A extends sdk.ManagedService { constructor() { super('race'); } async run() {} }
      try { const a = await A.open(); say('outcome held', process.pid); setInterval(() => {}, 1e6); }
      catch (e) { if (!(e instanceof sdk.AlreadyRunning)) throw e; say('outcome refused', e.pid); }`;
      const racers = Array.from({ length: 100 }, () => arena.start(code));
      const outcomes = await Promise.all(racers.map((racer) => racer.said('outcome')));
      const [held, ...more] = outcomes.filter((each) => each.startsWith('held'));
      expect(more).toEqual([]);
      const pid = held?.split(' ')[1];
      expect(outcomes.filter((each) => each === `refused ${pid}`)).toHaveLength(99);
      const holder = racers.find((racer) => String(racer.pid) === pid);
      holder?.child.kill('SIGKILL');
      await holder?.ended;
      const next = arena.start(code);
      expect(await next.said('outcome')).toBe(`held ${next.pid}`);
    },
    120_000,
  );
});

test('a service that reeve started is what reeve says it is: project, folder, instance and run', async () => {
  const env = {
    REEVE_PROJECT: 'other',
    REEVE_PROJECT_FOLDER: world.home,
    REEVE_SERVICE: 'web-editor',
    REEVE_INSTANCE: '2',
    REEVE_RUN: 'abc',
  };
  const program = world.start(
    "class A extends sdk.ManagedService { constructor() { super('web-editor'); } async run() { say('id', this.project); await this.untilStopped(); } } await A.main();",
    { env },
  );
  expect(await program.said('id')).toBe('other');
  const told = await findPlace('web-editor', { home: world.home, env });
  expect(readCard(join(told.run, `${told.id}.json`))).toMatchObject({
    instance: 2,
    run: 'abc',
    folder: world.home,
    title: 'other-web-editor',
  });
});
