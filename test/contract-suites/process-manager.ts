import { readFileSync } from 'node:fs';
import type { ServiceCard } from '@reeve/contract';
import { expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { openManager } from './manager.ts';
import { hold, holdBelow } from './ports-and-kills.ts';
import { lives, type Speaker, type World, world } from './speaker.ts';

/** What a process manager of the library does with no daemon at all. `manager`: a program that takes calls. */
export function processManagerContract(speaker: Speaker, manager: Speaker): void {
  test('U25: a handler of the end that is asynchronous is waited for', async () => {
    await using here = world();
    const service = await here.open(speaker, { stops: ['first', 'awaits'] });
    service.child.kill('SIGTERM');
    expect(await service.ended, service.stderr()).toEqual({ code: 0, signal: null });
    expect(service.lines.slice(1)).toEqual(['stop awaits', 'awaited awaits', 'stop first']);
    expect(service.stderr()).not.toContain('never awaited');
  });

  test('U25: one instance: the second learns the pid of the first and hands its command line over, and its death frees the name', async () => {
    await using here = world();
    const first = await openManager(here, manager);
    const held = { ok: true, reason: 'done', pid: first.pid };
    expect(await first.ask('enforceSingleInstance', 'job', { takesSecond: true })).toMatchObject(held);
    expect(await first.ask('enforceSingleInstance', 'job')).toMatchObject(held);
    const second = await openManager(here, manager);
    const running = { ok: false, reason: 'already_running', pid: first.pid };
    expect(await second.ask('enforceSingleInstance', 'job')).toMatchObject({ ...running, handedOver: true });
    const [, told = ''] = (await first.line(/^second/)).split(/ (.*)/);
    expect(JSON.parse(told)).toMatchObject({ cwd: here.folder });
    first.child.kill('SIGKILL');
    await first.ended;
    expect(await second.ask('enforceSingleInstance', 'job')).toMatchObject({ ok: true, pid: second.pid });
    const third = await openManager(here, manager);
    const refused = await third.ask('enforceSingleInstance', 'job');
    expect(refused).toMatchObject({ ok: false, pid: second.pid, handedOver: false });
    expect(refused.message).toContain(`pid ${second.pid}`);
    expect(await third.fail('enforceSingleInstance', 'Not Kebab')).toMatchObject({ code: 'USAGE' });
    await second.ask('resetProcessManager');
    expect(await third.ask('enforceSingleInstance', 'job')).toMatchObject({ ok: true });
    third.child.stdin?.end();
    expect((await third.ended).code, third.stderr()).toBe(0);
    expect(here.card('job')).toMatchObject({ state: 'stopped', pid: third.pid });
  });

  test('U25: what an earlier start of the same name has left behind is ended, and nothing of this start', async () => {
    await using here = world();
    const first = await openManager(here, manager);
    expect(await first.ask('cleanupOnStartup')).toMatchObject({ ok: true, reason: 'not_found' });
    await first.ask('enforceSingleInstance', 'job');
    const left = await holdBelow(first);
    first.child.kill('SIGKILL');
    await until('it has ended', () => !lives(first.pid)); // its output is still held
    expect(lives(left.pid)).toBe(true);
    const second = await openManager(here, manager);
    await second.ask('open', { name: 'job' }); // a managed service is the single instance of its program
    const own = await holdBelow(second);
    const done = { ok: true, reason: 'done', processes: [{ pid: left.pid }] };
    expect(await second.ask('cleanupOnStartup')).toMatchObject(done);
    expect(await second.ask('cleanupOnStartup')).toMatchObject({ ok: true, reason: 'not_found' });
    expect([lives(left.pid), lives(own.pid)]).toEqual([false, true]);
  });

  test('U25: a port is made available by ending what is ours; a foreign owner is named, and ended only with force', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    const ours = await holdBelow(asker);
    const done = { ok: true, reason: 'done' };
    expect(await asker.ask('ensurePortAvailable', ours.port)).toMatchObject({
      ...done,
      processes: [{ pid: ours.pid }],
    });
    const foreign = await hold(here);
    const refused = await asker.ask('ensurePortAvailable', foreign.port, { maxRetries: 1 });
    expect(refused).toMatchObject({ ok: false, reason: 'not_permitted', processes: [] });
    expect(refused.message).toMatch(new RegExp(`port ${foreign.port} is held by .*pid ${foreign.pid}, user`));
    const forced = await asker.ask('ensurePortAvailable', foreign.port, { force: true });
    expect(forced).toMatchObject({ ...done, processes: [{ pid: foreign.pid }] });
    expect(await asker.ask('ensurePortAvailable', foreign.port)).toMatchObject({ ...done, processes: [] });
    const own = await asker.ask('listen');
    expect(await asker.ask('ensurePortAvailable', own, { force: true })).toMatchObject({ reason: 'protected' });
  });

  test('U25: its status has its name, start and ports, which its card has too', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    const idle = { isRunning: true, name: null, pid: asker.pid, managedPorts: [], shutdownHandlers: 0 };
    expect(await asker.ask('getProcessStatus')).toMatchObject(idle);
    await asker.ask('enforceSingleInstance', 'job');
    const port = Number(await asker.ask('listen'));
    await asker.ask('registerManagedPort', port, 'http');
    await asker.ask('registerManagedPort', 1, 'never');
    await asker.ask('addShutdownHandler', 'plain');
    const ports = [
      { port, name: 'http', inUse: true },
      { port: 1, name: 'never', inUse: false },
    ];
    const status = await asker.ask('getProcessStatus');
    expect(status).toMatchObject({ ...idle, name: 'job', managedPorts: ports, shutdownHandlers: 1 });
    expect(Math.abs(Date.parse(String(status['startTime'])) - Date.now())).toBeLessThan(300_000);
    expect(cardOf(here).ports).toEqual(ports.map((each) => ({ port: each.port, name: each.name, protocol: 'tcp' })));
    expect(await asker.fail('registerManagedPort', 0, 'none')).toMatchObject({ code: 'USAGE' });
    await asker.ask('resetProcessManager');
    expect(await asker.ask('getProcessStatus')).toMatchObject(idle);
  });

  test('U25: handlers run once, the newest first, each on its own: plain, asynchronous, throwing and hanging', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    await asker.ask('open', { name: 'job' });
    for (const kind of ['plain', 'async', 'throws']) await asker.ask('addShutdownHandler', kind, { name: kind });
    await asker.ask('addShutdownHandler', 'hangs', { name: 'hangs', timeout: 50 });
    const outcomes = (await asker.ask('executeShutdownHandlers')) as unknown as readonly Record<string, unknown>[];
    expect(outcomes.map(({ name, ok, reason }) => [name, ok, reason])).toEqual([
      ['hangs', false, 'timed_out'],
      ['throws', false, 'failed'],
      ['async', true, 'done'],
      ['plain', true, 'done'],
    ]);
    expect(asker.lines.filter((line) => line.startsWith('handler'))).toHaveLength(4);
    expect(await asker.ask('executeShutdownHandlers')).toEqual([]);
    await until('what failed is reported', () => /shutdown handler throws.*no such file/s.test(asker.stderr()));
    // The program continues, with the name that it holds.
    expect(await asker.ask('getProcessStatus')).toMatchObject({ isRunning: true, name: 'job', shutdownHandlers: 0 });
    expect(cardOf(here)).toMatchObject({ pid: asker.pid, state: 'running' });
  });

  test.each([
    ['SIGTERM', 0],
    ['SIGINT', 0],
    ['SIGHUP', 0],
    ['the normal end', 0],
    ['an exit with 3', 3],
  ] as const)('U25: registered handlers run at %s, and the name is given back', async (how, code) => {
    await using here = world();
    const asker = await openManager(here, manager);
    await asker.ask('enforceSingleInstance', 'job');
    await asker.ask('addShutdownHandler', 'first');
    await asker.ask('addShutdownHandler', 'second');
    await asker.ask('registerShutdownHandlers');
    if (how === 'the normal end') asker.child.stdin?.end();
    else if (how === 'an exit with 3') asker.child.stdin?.write('{"call": "exit", "args": [3]}\n');
    else asker.child.kill(how);
    expect(await asker.ended, asker.stderr()).toEqual({ code, signal: null });
    expect(asker.lines.filter((line) => line.startsWith('handler'))).toEqual(['handler second', 'handler first']);
    expect(cardOf(here)).toMatchObject({ state: 'stopped' });
  });

  test('U25: one that fails makes the exit code 1; without registering a signal is the program’s own', async () => {
    await using here = world();
    const failing = await openManager(here, manager);
    await failing.ask('addShutdownHandler', 'throws');
    await failing.ask('registerShutdownHandlers');
    failing.child.kill('SIGTERM');
    expect(await failing.ended).toEqual({ code: 1, signal: null });
    const plain = await openManager(here, manager);
    await plain.ask('enforceSingleInstance', 'job');
    await plain.ask('addShutdownHandler', 'never');
    plain.child.kill('SIGTERM');
    expect(await plain.ended, plain.stderr()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(plain.lines.join()).not.toContain('handler');
  });
}

function cardOf(here: World): ServiceCard {
  return JSON.parse(readFileSync(here.file('json', 'job'), 'utf8')) as ServiceCard;
}
