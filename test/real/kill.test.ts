import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { PsView, Receipt } from '@reeve/contract';
import { describe, expect, onTestFinished, test } from 'vitest';
import { copiesOf, eventsOf, serviceOf, untilService } from '../harness/ask.ts';
import { startByHand } from '../harness/by-hand.ts';
import { lookAt } from '../harness/proc-scan.ts';
import { program } from '../harness/program.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const isRoot = process.getuid?.() === 0;
type KillReceipt = Omit<Receipt, 'project'> & { readonly project: string | null; readonly notes: readonly string[] };

const isAlive = (pid: number | undefined) => lookAt(Number(pid), '') !== null;

/** A process of no project, which has said its first line. Ended with the test. */
async function foreign(argv: readonly string[], options: { readonly uid?: number } = {}): Promise<ChildProcess> {
  const [command = '', ...args] = argv;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true, cwd: '/', ...options });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(createInterface(child.stdout), 'line');
  return child;
}

const plain = { command: ['sleep', '1000'] };

describe('kill of a service', () => {
  const always = (reeve: TestReeve, ...args: readonly string[]) => ({
    command: [...reeve.program('stays', ...args)],
    ready: { log: 'ready' },
    restart: { policy: 'always', backoff: '0' },
  });

  test('by its name: it is stopped, says what is next, and its policy does not bring it back', async () => {
    await using reeve = startReeve();
    reeve.project({ project: 'shop', services: { api: always(reeve, 'copy=api;'), other: plain } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const { pid } = await serviceOf(reeve, 'api');
    const kill = await reeve.run(['kill', 'API']);
    expect(kill.code, kill.stderr).toBe(0);
    expect(kill.stdout).toContain('COMPLETE');
    expect(kill.stderr).toContain('reeve start api');
    expect(isAlive(Number(pid))).toBe(false);
    expect(await serviceOf(reeve, 'api')).toMatchObject({ state: 'stopped', intent: 'down' });
    expect((await serviceOf(reeve, 'other')).state).toBe('running');
    expect((await eventsOf(reeve, 'api')).filter((e) => e.event === 'service.started')).toHaveLength(1);
  });

  test('by the pid of its main process, from another folder', async () => {
    await using reeve = startReeve();
    reeve.project({ project: 'shop', services: { api: always(reeve) } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const { pid } = await serviceOf(reeve, 'api');
    const receipt = await reeve.json<KillReceipt>(['kill', `${pid}`], { cwd: '/' });
    expect(receipt).toMatchObject({ project: 'shop', status: 'COMPLETE', services: [{ name: 'api' }], survivors: [] });
    expect(receipt.services[0]?.processes).toMatchObject([{ pid, signals: ['SIGTERM'] }]);
    expect((await serviceOf(reeve, 'api')).state).toBe('stopped');
  });

  test('by its port', async () => {
    await using reeve = startReeve();
    const port = await reeve.port();
    const command = [...reeve.program('http-server', `port=${port}`)];
    reeve.project({ services: { web: { command, ports: [port], restart: 'always' } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<KillReceipt>(['kill', `:${port}`]);
    expect(receipt).toMatchObject({ status: 'COMPLETE', services: [{ name: 'web', ports: [{ port, free: true }] }] });
    expect(await serviceOf(reeve, 'web')).toMatchObject({ state: 'stopped', intent: 'down' });
  });

  test('one of its other processes by pid: only that one, and that is said', async () => {
    await using reeve = startReeve();
    const command = [...reeve.program('notes-signals', 'child=yes')];
    reeve.project({ services: { pair: { command, ready: { log: 'child ready' }, stop: { timeout: '500ms' } } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const { pid } = await serviceOf(reeve, 'pair');
    const child = copiesOf(reeve, 'name=child').find((each) => each !== pid);
    const receipt = await reeve.json<KillReceipt>(['kill', `${child}`]);
    expect(receipt).toMatchObject({ status: 'COMPLETE', services: [{ name: 'pair', processes: [{ pid: child }] }] });
    expect(receipt.notes.join()).toContain('reeve stop pair');
    expect(await serviceOf(reeve, 'pair')).toMatchObject({ state: 'running', pid, restarts: 0 });
  });

  test('with the daemon down: it is ended, and the next daemon does not start it', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { api: always(reeve, 'copy=api;') } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const { pid } = (await reeve.json<PsView>(['ps'])).daemon;
    process.kill(Number(pid), 'SIGKILL');
    await until('the daemon is gone', () => !isAlive(Number(pid)));
    expect(await reeve.json<KillReceipt>(['kill', 'api'])).toMatchObject({ status: 'COMPLETE' });
    expect(copiesOf(reeve, 'copy=api;')).toEqual([]);
    await reeve.run(['daemon', 'start']);
    expect(await serviceOf(reeve, 'api')).toMatchObject({ state: 'stopped', intent: 'down' });
  });

  test('that is known and does not run is complete at once; one in back-off starts no more', async () => {
    await using reeve = startReeve();
    const restart = { policy: 'always', backoff: '1h..1h', limit: 'none' };
    reeve.project({ services: { bad: { command: 'exit 3', restart, ready: { log: 'never' } } } });
    await reeve.run(['up', '-d', '--no-wait']);
    await untilService(reeve, 'bad', (s) => s.state === 'backoff');
    expect(await reeve.json<KillReceipt>(['kill', 'bad'])).toMatchObject({ status: 'COMPLETE', survivors: [] });
    expect(await serviceOf(reeve, 'bad')).toMatchObject({ state: 'stopped', intent: 'down' });
    expect((await reeve.run(['kill', 'bad'])).code).toBe(0);
  });

  test('whose name two projects have asks which', async () => {
    await using reeve = startReeve();
    for (const name of ['one', 'two']) {
      reeve.project({ project: name, services: { web: plain } }, path.join(reeve.folder, name));
      expect((await reeve.run(['-C', path.join(reeve.folder, name), 'up', '-d'])).code).toBe(0);
    }
    const unclear = await reeve.run(['kill', 'web']);
    expect(unclear.code).toBe(2);
    expect(unclear.stderr).toMatch(/web is a service of (one and of two|two and of one)/);
    expect(await reeve.json<KillReceipt>(['kill', 'two/web'])).toMatchObject({ project: 'two', status: 'COMPLETE' });
    const left = await reeve.json<PsView>(['ps', '--project', 'one']);
    expect(left.services.map((s) => s.state)).toEqual(['running']);
  });
});

describe('kill of a service that was started manually', () => {
  test('asks it to end in order, by its name or port, with no daemon and without --force; two of a name ask which', async () => {
    await using reeve = startReeve();
    const ports = [await reeve.port(), await reeve.port()];
    const [one, two] = ['one', 'two'].map((project, index) => {
      const cwd = path.join(reeve.folder, project);
      mkdirSync(cwd);
      const program = startByHand(reeve, { service: 'web-editor', port: ports[index] }, { cwd });
      onTestFinished(() => program[Symbol.asyncDispose]());
      return program;
    });
    await Promise.all([one?.open(), two?.open()]);
    const unclear = await reeve.run(['kill', 'web-editor']);
    expect(unclear.code).toBe(2);
    expect(unclear.stderr).toMatch(/web-editor is a service of (one and of two|two and of one)/);
    const { processes } = await reeve.json<{ processes: readonly object[] }>(['hunt', `:${ports[0]}`]);
    expect(processes).toMatchObject([{ pid: one?.pid, project: 'one', service: 'web-editor', ours: true, run: null }]);

    const byPort = await reeve.json<KillReceipt>(['kill', `:${ports[0]}`]);
    expect(byPort).toMatchObject({ project: 'one', status: 'COMPLETE', services: [{ name: 'web-editor' }] });
    expect(byPort.services[0]?.processes).toMatchObject([{ pid: one?.pid, signals: [] }]);
    expect(await one?.ended).toBe(0);
    const byName = await reeve.run(['kill', 'web-editor'], { cwd: path.join(reeve.folder, 'two') });
    expect(byName.code, byName.stderr).toBe(0);
    expect(await two?.ended).toBe(0);
    expect(await reeve.json(['daemon', 'status']).catch((error: Error) => error.message)).toContain('3');
  });

  test('ends its copy of a declared service too, and leaves the rest of the project alone', async () => {
    await using reeve = startReeve();
    reeve.project({ project: 'shop', services: { 'web-editor': { ...plain, autostart: false }, other: plain } });
    expect((await reeve.run(['up', '-d', 'other'])).code).toBe(0);
    await using web = startByHand(reeve, { service: 'web-editor' });
    await web.open();
    expect((await reeve.run(['kill', 'web-editor'])).code).toBe(0);
    expect(await web.ended).toBe(0);
    expect((await serviceOf(reeve, 'other')).state).toBe('running');
  });
});

describe('kill of a foreign process', () => {
  test('by pid: with all that it has started, and nothing else', async () => {
    await using reeve = startReeve();
    const bystander = await foreign(['sh', '-c', 'echo here; exec sleep 1000']);
    const parent = await foreign(['sh', '-c', 'sleep 1000 & sleep 1001 & echo here; wait']);
    const receipt = await reeve.json<KillReceipt>(['kill', `${parent.pid}`]);
    expect(receipt).toMatchObject({ project: null, status: 'COMPLETE', survivors: [] });
    expect(receipt.services[0]?.processes).toHaveLength(3);
    expect(receipt.services[0]?.promise).toBe('best_effort');
    for (const { pid } of receipt.services[0]?.processes ?? []) expect(isAlive(pid)).toBe(false);
    expect(isAlive(bystander.pid)).toBe(true);
  });

  test('that ignores SIGTERM is killed when the time is over', async () => {
    await using reeve = startReeve();
    const deaf = await foreign(program('ignores-sigterm'));
    const receipt = await reeve.json<KillReceipt>(['kill', `${deaf.pid}`, '--timeout', '300ms']);
    expect(receipt.services[0]?.processes).toMatchObject([{ pid: deaf.pid, signals: ['SIGTERM', 'SIGKILL'] }]);
  });

  test('that was stopped hears SIGTERM', async () => {
    await using reeve = startReeve();
    const still = await foreign(program('stays'));
    still.kill('SIGSTOP');
    const ended = once(still, 'exit');
    expect((await reeve.run(['kill', `${still.pid}`])).code).toBe(0);
    expect(await ended).toEqual([0, null]);
  });

  test('that has ended and was not reaped is not found', async () => {
    await using reeve = startReeve();
    const parent = await foreign(program('never-reaps'));
    const child = spawn('ps', ['-o', 'pid=', '--ppid', `${parent.pid}`]);
    const [text] = (await once(child.stdout, 'data')) as [Buffer];
    const kill = await reeve.run(['kill', text.toString().trim()]);
    expect(kill.code).toBe(4);
    expect(kill.stderr).toContain(`its parent, pid ${parent.pid}, has not taken note of it`);
  });

  test.each([
    ['TCP over IPv4', ['kind=tcp']],
    ['TCP over IPv6', ['kind=tcp', 'family=inet6']],
    ['UDP', ['kind=udp']],
    ['UDP over IPv6', ['kind=udp', 'family=inet6']],
  ])('by a port, %s: refused without --force, with the command that does it', async (_what, args) => {
    await using reeve = startReeve();
    const port = await reeve.port();
    const owner = await foreign(program('shares-port', `port=${port}`, ...args));
    const refused = await reeve.run(['kill', `:${port}`]);
    expect(refused.code).toBe(7);
    expect(refused.stderr).toContain(`pid ${owner.pid}`);
    expect(refused.stderr).toContain(`reeve kill :${port} --force`);
    expect(isAlive(owner.pid)).toBe(true);
    const receipt = await reeve.json<KillReceipt>(['kill', `:${port}`, '--force']);
    expect(receipt).toMatchObject({ status: 'COMPLETE', services: [{ ports: [{ port, free: true }] }] });
    expect(isAlive(owner.pid)).toBe(false);
    expect((await reeve.run(['kill', `:${port}`])).code, 'no process is there now').toBe(4);
  });

  test('by a port: every process that shares it', async () => {
    await using reeve = startReeve();
    const port = await reeve.port();
    const owners = [
      await foreign(program('shares-port', `port=${port}`)),
      await foreign(program('shares-port', `port=${port}`, 'fork=yes')),
      await foreign(program('shares-port', `port=${port}`, 'family=inet6')),
    ];
    const receipt = await reeve.json<KillReceipt>(['kill', `:${port}`, '--force']);
    expect(receipt.status).toBe('COMPLETE');
    expect(receipt.services[0]?.processes).toHaveLength(4);
    for (const owner of owners) expect(isAlive(owner.pid)).toBe(false);
  });

  test('by a pattern: refused without --force, and never the shell whose command line holds the pattern', async () => {
    await using reeve = startReeve();
    const word = `word${path.basename(path.dirname(reeve.folder))}`;
    const one = await foreign(program('stays', word));
    const refused = await reeve.run(['kill', '--pattern', `stays.*${word}`]);
    expect(refused.code).toBe(7);
    expect(refused.stderr).toContain('--force');
    const bin = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');
    const script = `${process.execPath} ${bin} kill --pattern '${word}' --force --json; echo "code $?"`;
    const shell = spawn('sh', ['-c', script], {
      env: { ...process.env, REEVE_HOME: reeve.home },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    shell.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    expect(await once(shell, 'close')).toEqual([0, null]);
    expect(said).toContain('code 0');
    expect(isAlive(one.pid)).toBe(false);
  });

  test('U32: by a pattern that a backtracking engine would never come to an end with', async () => {
    await using reeve = startReeve();
    const one = await foreign(program('stays', `long=${'a'.repeat(60)}!`));
    const slow = await reeve.run(['kill', '--pattern', 'long=(a+)+$', '--force']);
    expect([slow.code, slow.stderr]).toEqual([4, expect.stringContaining('no command line matches')]);
    expect(isAlive(one.pid)).toBe(true);
    const refused = await reeve.run(['kill', '--pattern', '(?=stays)x', '--force']);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('look-ahead is not supported')]);
    expect((await reeve.run(['kill', '--pattern', '('])).code).toBe(2);
    expect((await reeve.run(['kill', '--pattern', 'no such command line at all'])).code).toBe(4);
  });

  test.runIf(isRoot)('of another user: refused with the reason, by root only with --force', async () => {
    await using reeve = startReeve();
    const other = await foreign(['sh', '-c', 'echo here; exec sleep 1000'], { uid: 65534 });
    const refused = await reeve.run(['kill', `${other.pid}`]);
    expect(refused.code).toBe(7);
    expect(refused.stderr).toContain('belongs to nobody');
    expect(isAlive(other.pid)).toBe(true);
    expect((await reeve.run(['kill', `${other.pid}`, '--force'])).code).toBe(0);
    expect(isAlive(other.pid)).toBe(false);
  });
});

describe('PI4: what is not a pid never reaches kill(2)', () => {
  test.each([
    ['0', 7],
    ['1', 7],
    ['4294967297', 7],
    ['4194305', 7],
    ['', 2],
    ['1.5', 2],
    ['-1', 2],
    ['12abc', 4],
    [':0', 2],
    [':65536', 2],
  ])('%j ends with %i', async (word, code) => {
    await using reeve = startReeve();
    const kill = await reeve.run(['kill', word, '--force']);
    expect(kill.code, kill.stderr).toBe(code);
  });

  test('-1 after -- is refused too', async () => {
    await using reeve = startReeve();
    expect((await reeve.run(['kill', '--', '-1'])).code).toBe(7);
  });

  test('nor do reeve itself, its keeper, and the shell that asks', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { one: plain } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const { pid, keeper_pid } = await reeve.json<{ pid: number; keeper_pid: number }>(['daemon', 'status']);
    for (const each of [pid, keeper_pid, process.pid]) {
      const kill = await reeve.run(['kill', `${each}`, '--force']);
      expect(kill.code, kill.stderr).toBe(7);
      expect(isAlive(each)).toBe(true);
    }
    expect((await serviceOf(reeve, 'one')).state).toBe('running');
    expect((await reeve.run(['kill', '--pattern', `keeper.js ${reeve.home}`, '--force'])).code).toBe(4);
    expect((await reeve.run(['kill'])).code).toBe(2);
    expect((await reeve.run(['kill', 'one', '--pattern', 'x'])).code).toBe(2);
  });
});
