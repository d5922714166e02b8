import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../../test/harness/until.ts';
import { readCard } from '../service/cards.ts';
import { findPlace } from '../service/place.ts';
import { type ProgramWorld, programWorld } from '../test-programs.ts';
import { lookUp } from './found-process.ts';
import { killProcessById } from './ports.ts';

let world: ProgramWorld;
beforeEach(async () => {
  world = await programWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const only = (more = '') => `
  const manager = sdk.getProcessManager();
  const one = await manager.enforceSingleInstance('job', { onSecondInstance: globalThis.onSecond });
  say('one', JSON.stringify(one));
  ${more}`;
const alive = 'setInterval(() => {}, 1e6);';

test('one instance: the second learns the pid of the first, and its death frees the name', async () => {
  const first = world.start(only(alive));
  expect(JSON.parse(await first.said('one'))).toEqual({ ok: true, reason: 'done', pid: first.pid });
  const second = world.start(only());
  expect(JSON.parse(await second.said('one'))).toMatchObject({
    ok: false,
    reason: 'already_running',
    pid: first.pid,
    handedOver: false,
  });
  expect((await second.ended).code).toBe(0);
  first.child.kill('SIGKILL');
  await first.ended;
  const third = world.start(only());
  expect(JSON.parse(await third.said('one'))).toMatchObject({ ok: true });
  expect((await third.ended).code).toBe(0); // holding a name keeps no program alive
  const { card } = await findPlace('job', { ...world.at, env: {} });
  expect(readCard(card)).toMatchObject({ state: 'stopped', pid: third.pid });
});

test('the second hands its command line to a first that wants it', async () => {
  const first = world.start(`globalThis.onSecond = (argv, cwd) => say('second', argv[2], cwd); ${only(alive)}`);
  await first.said('one');
  const second = world.start(only(), { args: ['file.txt'] });
  expect(JSON.parse(await second.said('one'))).toMatchObject({ ok: false, handedOver: true });
  expect(await first.said('second')).toBe(`file.txt ${world.folder}`);
});

const child = (port: string) => `
  const { spawn } = await import('node:child_process');
  const server = "require('net').createServer().listen(" + ${port} + ", '127.0.0.1', function () { console.log(this.address().port); }); setInterval(() => {}, 1e6)";
  const kid = spawn(process.execPath, ['-e', server], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const port = Number(await new Promise((r) => kid.stdout.on('data', r)));
  say('kid', kid.pid, port);`;

test('cleanupOnStartup ends what an earlier start left behind, and nothing of this start', async () => {
  const first = world.start(only(`${child('0')} ${alive}`));
  const [pid = 0, port = 0] = (await first.said('kid')).split(' ').map(Number);
  first.child.kill('SIGKILL');
  await first.ended;
  expect(lookUp(pid)).not.toBeNull();
  const second = world.start(
    only(
      `${child('0')} say('cleaned', JSON.stringify(await manager.cleanupOnStartup())); say('again', JSON.stringify(await manager.cleanupOnStartup())); say('free', await manager.isPortInUse(${port})); ${alive}`,
    ),
  );
  const own = Number((await second.said('kid')).split(' ')[0]);
  expect(JSON.parse(await second.said('cleaned'))).toMatchObject({ ok: true, reason: 'done', processes: [{ pid }] });
  expect(JSON.parse(await second.said('again'))).toMatchObject({ ok: true, reason: 'not_found' });
  expect(await second.said('free')).toBe('false');
  expect(lookUp(pid)).toBeNull();
  expect(lookUp(own)).not.toBeNull();
  process.kill(own, 'SIGKILL');
});

test('a ManagedService is the single instance of its program: its leftovers are known and its ports are listed', async () => {
  const service = (work: string) => `
    class Job extends sdk.ManagedService {
      constructor() { super('job'); }
      async run() { const manager = sdk.getProcessManager(); ${work} await this.untilStopped(); }
    }
    await Job.main();`;
  const first = world.start(service(child('0')));
  const [pid = 0, port = 0] = (await first.said('kid')).split(' ').map(Number);
  first.child.kill('SIGKILL');
  await first.ended;
  const second = world.start(
    service(`
      this.register({ port: 4711 });
      say('one', JSON.stringify(await manager.enforceSingleInstance('job')));
      say('ours', JSON.stringify(await manager.ensurePortAvailable(${port})));
      say('cleaned', JSON.stringify(await manager.cleanupOnStartup()));
      manager.registerManagedPort(${port}, 'http');
      say('name', manager.getProcessStatus().name);`),
  );
  expect(JSON.parse(await second.said('one'))).toEqual({ ok: true, reason: 'done', pid: second.pid });
  expect(JSON.parse(await second.said('ours'))).toMatchObject({ ok: true, reason: 'done', processes: [{ pid }] });
  expect(JSON.parse(await second.said('cleaned'))).toMatchObject({ ok: true, reason: 'not_found' });
  expect(await second.said('name')).toBe('job');
  expect(lookUp(pid)).toBeNull();
  const { card } = await findPlace('job', { ...world.at, env: {} });
  await until(
    'the card has both ports',
    () =>
      readCard(card)
        ?.ports.map((each) => each.port)
        .join() === `4711,${port}`,
  );
});

test('ensurePortAvailable ends what is ours, and names a foreign owner instead of ending him without force', async () => {
  const foreign = world.start(`${child('0')} ${alive}`);
  const [pid = 0, port = 0] = (await foreign.said('kid')).split(' ').map(Number);
  const ours = world.start(
    only(`
    ${child('0')}
    say('ours', JSON.stringify(await manager.ensurePortAvailable(port)));
    say('refused', JSON.stringify(await manager.ensurePortAvailable(${port}, { maxRetries: 1 })));
    say('forced', JSON.stringify(await manager.ensurePortAvailable(${port}, { force: true })));
    say('nothing', JSON.stringify(await manager.ensurePortAvailable(${port})));`),
  );
  const kid = Number((await ours.said('kid')).split(' ')[0]);
  expect(JSON.parse(await ours.said('ours'))).toMatchObject({ ok: true, reason: 'done', processes: [{ pid: kid }] });
  const refused = JSON.parse(await ours.said('refused')) as { message: string };
  expect(refused).toMatchObject({ ok: false, reason: 'not_permitted', processes: [] });
  expect(refused.message).toMatch(new RegExp(`port ${port} is held by .*createServer.*pid ${pid}, user`));
  expect(JSON.parse(await ours.said('forced'))).toMatchObject({ ok: true, reason: 'done', processes: [{ pid }] });
  expect(JSON.parse(await ours.said('nothing'))).toMatchObject({ ok: true, processes: [] });
});

test('managed ports are shown with whether each is in use, here and in the card', async () => {
  const program = world.start(
    `${only(`
    ${child('0')}
    manager.registerManagedPort(port, 'http'); manager.registerManagedPort(1, 'never');
    say('status', JSON.stringify(manager.getProcessStatus())); manager.logError(new Error('seen'), 'while testing'); say('logged', 'it');
    process.kill(kid.pid);`)} ${alive}`,
  );
  const status = JSON.parse(await program.said('status')) as { startTime: string };
  const port = Number((await program.said('kid')).split(' ')[1]);
  expect(status).toMatchObject({
    isRunning: true,
    name: 'job',
    pid: program.pid,
    managedPorts: [
      { port, name: 'http', inUse: true },
      { port: 1, name: 'never', inUse: false },
    ],
  });
  expect(Math.abs(Date.parse(status.startTime) - Date.now())).toBeLessThan(60_000);
  const { card } = await findPlace('job', { ...world.at, env: {} });
  await until('the card has the ports', () => readCard(card)?.ports.length === 2);
  await program.said('logged');
  program.child.kill('SIGKILL');
  expect((await program.ended).stderr).toMatch(/job: while testing: Error: seen/);
});

test('getProcessManager is one, until it is reset', async () => {
  const program = world.start(
    only(`
    say('same', sdk.getProcessManager() === manager);
    manager.addShutdownHandler(() => say('never'));
    await sdk.resetProcessManager();
    const next = sdk.getProcessManager();
    say('other', next !== manager, (await next.enforceSingleInstance('job')).ok, next.getProcessStatus().managedPorts.length);`),
  );
  expect(await program.said('same')).toBe('true');
  expect(await program.said('other')).toBe('true true 0');
  expect((await program.ended).stdout).not.toContain('never');
});

test('U26: executeShutdownHandlers runs the handlers and gives no name back', async () => {
  const manager = world.start(
    only(`manager.addShutdownHandler(() => say('handled'));
      await manager.executeShutdownHandlers(); say('left', manager.getProcessStatus().shutdownHandlers); ${alive}`),
  );
  expect(await manager.said('left')).toBe('0');
  const second = world.start(only());
  expect(JSON.parse(await second.said('one'))).toMatchObject({ ok: false, pid: manager.pid });
  const service = world.start(`
    class A extends sdk.ManagedService { constructor() { super('web'); } async run() { await this.ready(); await this.untilStopped(); } }
    void A.main(); const manager = sdk.getProcessManager();
    while (manager.getProcessStatus().name === null) await new Promise((r) => setTimeout(r, 5));
    await manager.executeShutdownHandlers(); say('name', manager.getProcessStatus().name);`);
  expect(await service.said('name')).toBe('web');
  const { card } = await findPlace('web', { ...world.at, env: {} });
  expect(readCard(card)).toMatchObject({ pid: service.pid });
  expect(readCard(card)?.state).not.toMatch(/^stop/);
  // The end itself still gives it back.
  service.child.kill('SIGTERM');
  await service.ended;
  expect(readCard(card)).toMatchObject({ state: 'stopped', pid: service.pid });
});

test('U26: what does not name a process is refused with what was given', async () => {
  for (const given of ['12', undefined, {}, null]) {
    const wrong = killProcessById(given as unknown as number);
    await expect(wrong).rejects.toMatchObject({ code: 'USAGE', message: expect.not.stringContaining('undefined is') });
  }
});
