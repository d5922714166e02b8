import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Receipt } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { copiesOf, eventsOf, linesOf, serviceOf, untilService } from '../harness/ask.ts';
import { endEscaped, hopper, pidIn, processIn, servicesAlive, stopAll, worlds } from '../harness/escape-world.ts';
import { lookAt } from '../harness/proc-scan.ts';
import type { TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const stop = { timeout: '500ms' };
const isAlive = (pid: number) => lookAt(pid, '') !== null;

async function up(reeve: TestReeve, services: Record<string, object>): Promise<void> {
  reeve.project({ services });
  const result = await reeve.run(['up', '-d']);
  expect(result.code, result.stdout + result.stderr).toBe(0);
}
const detaches = (reeve: TestReeve, file: string, ...args: readonly string[]) => ({
  command: [...reeve.program('detaches', `file=${path.join(reeve.folder, file)}`, ...args)],
  stop,
});
const said = (reeve: TestReeve, service: string, line: string) =>
  until(`${service} has said ${line}`, async () => (await linesOf(reeve, service)).includes(line));

describe.each(worlds)('$name', ({ start, hasCgroup }) => {
  const trackers = hasCgroup ? ['cgroup'] : ['mark', 'subreaper'];
  /** What would still show them is off: the tests below must be able to see an escape. */
  const blind = () => start(['cgroup', 'mark', 'subreaper', 'cookie', 'session', 'tree', 'port', 'stream']);

  test('CB1: a daemon that forks twice, changes its session, empties its environment and closes all is stopped', async () => {
    await using reeve = start();
    await up(reeve, { one: detaches(reeve, 'pid') });
    const pid = await pidIn(reeve, 'pid');
    const receipt = await stopAll(reeve);
    expect(receipt).toMatchObject({ status: 'COMPLETE', services: [{ name: 'one', promise: 'verified' }] });
    const found = processIn(receipt, pid);
    expect(found?.found_by).toEqual(expect.arrayContaining(trackers));
    expect(found?.exit).toMatchObject({ kind: 'signal', signal: 'SIGTERM' });
  });

  test('CB1: the twin without trackers leaves it alive', async () => {
    await using reeve = blind(); // a look in the moment of its detaching would catch it by what it has not lost yet
    await up(reeve, { one: detaches(reeve, 'pid') });
    const pid = await pidIn(reeve, 'pid');
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.services[0]).toMatchObject({ promise: 'best_effort' });
    expect(isAlive(pid)).toBe(true);
    await endEscaped(reeve);
  });

  test.each([
    ['in one session', 0],
    ['into a new session each time', 1],
  ] as const)('CB2: a program that hops from pid to pid faster than a scan, %s, is caught', async (_how, setsid) => {
    await using reeve = start();
    await up(reeve, { one: { command: [...hopper(reeve, 'note', setsid)], stop } });
    await until('it hops', () => existsSync(path.join(reeve.folder, 'note')));
    const receipt = await stopAll(reeve);
    expect(receipt).toMatchObject({ status: 'COMPLETE', services: [{ promise: 'verified' }] });
  });

  test('CB2: the twin without trackers leaves one that hops into new sessions', async () => {
    await using reeve = blind(); // any of them may be quick enough on a machine on which it hops slowly
    await up(reeve, { one: { command: [...hopper(reeve, 'note', 1)], stop } });
    await until('it hops', () => existsSync(path.join(reeve.folder, 'note')));
    await reeve.run(['stop']);
    await until('it is seen', () => servicesAlive(reeve).length > 0);
    writeFileSync(path.join(reeve.folder, 'note.end'), ''); // a test cannot catch it either
    await until('it has ended', () => Array.from({ length: 20 }, () => servicesAlive(reeve)).flat().length === 0);
  });

  test('CB3: a daemon that is only made when SIGTERM comes, and ignores everything, is stopped', async () => {
    await using reeve = start();
    await up(reeve, { one: detaches(reeve, 'pid', 'when=term', 'ignore=all') });
    await said(reeve, 'one', 'ready');
    const receipt = await stopAll(reeve);
    const found = processIn(receipt, await pidIn(reeve, 'pid'));
    expect(found).toMatchObject({ signals: expect.arrayContaining(['SIGKILL']), exit: { signal: 'SIGKILL' } });
    expect(found?.found_by).toEqual(expect.arrayContaining(trackers));
  });

  test('CB4: a program that ignores all signals is killed after its grace, and the receipt says so', async () => {
    await using reeve = start();
    await up(reeve, { one: { command: [...reeve.program('ignores-all')], stop } });
    await said(reeve, 'one', 'ready');
    const { pid } = await serviceOf(reeve, 'one');
    const receipt = await stopAll(reeve);
    expect(receipt.services[0]?.processes).toHaveLength(2);
    expect(processIn(receipt, pid ?? 0)).toMatchObject({
      signals: ['SIGTERM', 'SIGKILL'],
      exit: { signal: 'SIGKILL' },
    });
  });

  test('CB5: main ends and leaves a detached child: it is ended before a restart, and the exit code is main’s', async () => {
    await using reeve = start();
    const command = detaches(reeve, 'pid', 'main=exit', 'code=3').command;
    reeve.project({ services: { one: { command, restart: 'never', oneshot: true } } });
    await reeve.run(['up', '-d']);
    const failed = await untilService(reeve, 'one', ({ state }) => state === 'failed');
    expect(failed.exit).toMatchObject({ kind: 'code', code: 3 });
    expect(isAlive(await pidIn(reeve, 'pid'))).toBe(false);
    expect(servicesAlive(reeve)).toEqual([]);
    expect((await eventsOf(reeve, 'one')).map(({ event }) => event)).toContain('service.exited');
  });

  test('CB10: a program that closes its output keeps running, and is stopped', async () => {
    await using reeve = start();
    await up(reeve, { one: detaches(reeve, 'pid', 'closed=stdio') });
    await said(reeve, 'one', 'forked');
    const { pid } = await serviceOf(reeve, 'one');
    expect(await serviceOf(reeve, 'one')).toMatchObject({ state: 'running', restarts: 0 });
    const receipt = await stopAll(reeve);
    expect(processIn(receipt, pid ?? 0)?.found_by).toContain('main');
  });

  test('CB14: programs that clear or overwrite their environment are stopped', async () => {
    await using reeve = start();
    const idle = 'exec env -i sh -c "sleep 1001 & exec sleep 1002"';
    await up(reeve, {
      title: { command: [...reeve.program('overwrites-title')], stop },
      cleared: { command: `(setsid env -i sleep 1003 &); ${idle}`, stop },
      python: { command: [...reeve.program('clears-its-env')], stop },
    });
    await said(reeve, 'title', 'ready');
    await until('python has cleared its own', async () =>
      /environment has/.test((await linesOf(reeve, 'python')).join()),
    );
    await until('all are there', () => servicesAlive(reeve).length === 6);
    const receipt = await stopAll(reeve);
    expect(receipt.status).toBe('COMPLETE');
    expect(receipt.services.map(({ promise }) => promise)).toEqual(['verified', 'verified', 'verified']);
    expect(receipt.services.flatMap(({ processes }) => processes)).toHaveLength(6);
  });

  test('CB15: what is written to /dev/stdout by its name arrives', async () => {
    await using reeve = start();
    await up(reeve, { one: { command: 'echo hi > /dev/stdout; exec sleep 1000', stop } });
    await said(reeve, 'one', 'hi');
    await stopAll(reeve);
  });

  test('KC10: a listening socket that a detached child inherited is closed: the port is free', async () => {
    await using reeve = start();
    const port = await reeve.port();
    await up(reeve, { one: { ...detaches(reeve, 'pid', `listen=${port}`), ports: [port] } });
    const pid = await pidIn(reeve, 'pid');
    const receipt = await stopAll(reeve);
    expect(receipt.services[0]?.ports).toEqual([{ port, free: true }]);
    expect(processIn(receipt, pid)?.found_by).toEqual(expect.arrayContaining(trackers));
  });

  test('KC10: the socket that main held proves by itself whose the child is', async () => {
    await using reeve = start(['cgroup', 'mark', 'subreaper', 'cookie', 'session', 'tree', 'stream']);
    const port = await reeve.port();
    await up(reeve, { one: { ...detaches(reeve, 'pid', `listen=${port}`), ports: [port] } });
    const pid = await pidIn(reeve, 'pid');
    const receipt = await stopAll(reeve);
    expect(processIn(receipt, pid)?.found_by).toEqual(['port']);
    expect(receipt.services[0]?.ports).toEqual([{ port, free: true }]);
  });

  test('who holds the output of a service belongs to it, if nothing else tells', async () => {
    await using reeve = start(['cgroup', 'mark', 'subreaper', 'cookie', 'session', 'tree', 'port']);
    await up(reeve, { one: detaches(reeve, 'pid', 'fds=keep') });
    await pidIn(reeve, 'pid');
    const receipt = await stopAll(reeve);
    expect(processIn(receipt, await pidIn(reeve, 'pid'))?.found_by).toEqual(['stream']);
  });

  test('KC15: with everything switched off each of them escapes, so these tests can see', async () => {
    await using reeve = blind();
    const port = await reeve.port();
    await up(reeve, {
      daemon: detaches(reeve, 'daemon'),
      port: { ...detaches(reeve, 'port', `listen=${port}`), ports: [port], ready: { log: '^forked$' } },
      stream: detaches(reeve, 'stream', 'fds=keep'),
      cookie: detaches(reeve, 'cookie', 'env=keep'),
    });
    const pids = await Promise.all(['daemon', 'port', 'stream', 'cookie'].map((file) => pidIn(reeve, file)));
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(pids.map(isAlive)).toEqual([true, true, true, true]);
    expect(receipt.services.map(({ promise }) => promise)).not.toContain('verified');
    expect(receipt.services.find(({ name }) => name === 'port')?.ports).toEqual([{ port, free: false }]);
    await endEscaped(reeve);
  });

  test('the orphans of two services under one keeper are never confused', async () => {
    await using reeve = start();
    await up(reeve, { one: detaches(reeve, 'one', 'ignore=all'), two: detaches(reeve, 'two', 'ignore=all') });
    const [one, two] = [await pidIn(reeve, 'one'), await pidIn(reeve, 'two')];
    const { pid } = await serviceOf(reeve, 'two');
    const receipt = await reeve.json<Receipt>(['stop', 'one']);
    expect([isAlive(one), isAlive(two)]).toEqual([false, true]);
    expect(processIn(receipt, two)).toBeUndefined();
    expect(await serviceOf(reeve, 'two')).toMatchObject({ state: 'running', pid, restarts: 0 });
    expect(processIn(await stopAll(reeve), two)).toMatchObject({ exit: { signal: 'SIGKILL' } });
  });

  test('after the keeper was killed the mark finds an orphan wherever it has landed, and the promise says what is lost', async () => {
    await using reeve = start();
    await up(reeve, { one: detaches(reeve, 'pid') });
    const pid = await pidIn(reeve, 'pid');
    const [keeper = 0] = copiesOf(reeve, '/keeper.js ');
    process.kill(keeper, 'SIGKILL');
    await until('another keeper is there', () => copiesOf(reeve, '/keeper.js ').some((each) => each !== keeper));
    const receipt = await stopAll(reeve);
    expect(processIn(receipt, pid)?.found_by).toContain(hasCgroup ? 'cgroup' : 'mark');
    expect(receipt.services[0]?.promise).toBe(hasCgroup ? 'verified' : 'best_effort');
    if (!hasCgroup) expect(receipt.services[0]?.promise_reason).toContain('the keeper that started it has died');
  });

  test('a daemon that also resets its limits ends with its cgroup; without one it is not touched, and the promise names it', async () => {
    await using reeve = start();
    await up(reeve, { one: detaches(reeve, 'pid', 'reset=limits') });
    const pid = await pidIn(reeve, 'pid');
    const { services } = await reeve.json<Receipt>(['stop']);
    expect(isAlive(pid)).toBe(!hasCgroup);
    expect(services[0]?.promise).toBe(hasCgroup ? 'verified' : 'best_effort');
    if (!hasCgroup) expect(services[0]?.promise_reason).toContain(`pid ${pid} `);
    await endEscaped(reeve);
  });
});
