import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { isLiveState, readStat } from '@reeve/host';
import { buildSync } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectOrLaunch } from './connect-or-launch.ts';
import { type Launched, launchDaemon } from './launch-daemon.ts';

/** A daemon made of the real lock, server and report; it writes down who it is, and what it was given. */
const SOURCE = `
  import { appendFileSync } from 'node:fs';
  import { ReeveError } from '@reeve/contract';
  import { startControlServer } from './packages/reeve/src/daemon/control/server.ts';
  import { reportFailure, reportReady } from './packages/reeve/src/daemon/upgrade/report-ready.ts';
  import { takeDaemonLock } from './packages/reeve/src/daemon/single-instance.ts';
  const home = process.env.REEVE_HOME;
  const facts = { pid: process.pid, env: { ...process.env }, cwd: process.cwd() };
  try {
    if (process.argv[2] === 'refuse') throw new ReeveError('REGISTRY_NEWER', { found: 9, known: 1 });
    const lock = await takeDaemonLock({ home, daemonLock: home + '/daemon.lock' });
    appendFileSync(home + '/started', JSON.stringify(facts) + '\\n');
    const log = { debug() {}, warn: console.error, error: console.error };
    const ping = () => ({ pid: process.pid, version: '1', protocol: 1, started_at: '', home, keeper_pid: null });
    const server = await startControlServer({ socket: home + '/run/control.sock', handlers: { ping }, log });
    process.on('SIGTERM', async () => { await server.close(); await lock.release(); process.exit(0); });
    reportReady();
  } catch (error) {
    process.exit(reportFailure(error));
  }
`;
const root = resolve(import.meta.dirname, '../../../../..');
let built: string;
let home: string;
beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), 'reeve-daemon-'));
  // The system-call binding is found from where the program lies.
  symlinkSync(join(root, 'node_modules'), join(built, 'node_modules'));
  buildSync({
    stdin: { contents: SOURCE, resolveDir: root, loader: 'ts' },
    outfile: join(built, 'daemon.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['reeve-source'],
    logLevel: 'error',
  });
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reeve-launch-'));
});
afterEach(async () => {
  for (const { pid } of started()) await end(pid);
  rmSync(home, { recursive: true, force: true });
});

interface Facts {
  readonly pid: number;
  readonly env: Record<string, string>;
  readonly cwd: string;
}
function started(): Facts[] {
  if (!existsSync(join(home, 'started'))) return [];
  const lines = readFileSync(join(home, 'started'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Facts);
}
function isAlive(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== null && isLiveState(stat);
}
async function end(pid: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (isAlive(pid)) process.kill(pid, signal);
  while (isAlive(pid)) await new Promise((done) => setImmediate(done));
}
const daemon = (...args: string[]): string[] => [process.execPath, join(built, 'daemon.mjs'), ...args];
const script = (text: string): string[] => [process.execPath, '-e', text];
const launch = (program: string[], env: NodeJS.ProcessEnv = {}, deadline = 20_000): Promise<Launched> =>
  launchDaemon({ home, program, env: { PATH: process.env['PATH'], ...env }, deadline });
const connect = (program = daemon(), deadline = 25_000) =>
  connectOrLaunch({ home, socket: join(home, 'run', 'control.sock'), program, env: process.env, deadline });
async function failure(work: Promise<unknown>): Promise<ReeveError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ReeveError);
  return error as ReeveError;
}

test('the daemon has its own session, the root as folder, and nothing of its caller that must not stick', async () => {
  const env = { NODE_OPTIONS: '--no-warnings', npm_config_x: '1', REEVE_RUN: 'r', REEVE_PORT: '0', KEEP: 'me' };
  expect(await launch(daemon(), { ...env, NODE_CHANNEL_FD: '3', NOTIFY_SOCKET: '/n' })).toBe('started');
  const [facts] = started();
  if (!facts) throw new Error('it has started');
  const { PATH, KEEP, REEVE_HOME, REEVE_PORT, ...more } = facts.env;
  expect([PATH, KEEP, REEVE_HOME, REEVE_PORT]).toEqual([process.env['PATH'], 'me', home, '0']);
  expect(Object.keys(more).sort()).toEqual(['REEVE_DAEMON', 'REEVE_READY_FD']);
  expect(facts.cwd).toBe('/');
  expect(readStat(facts.pid)).toMatchObject({ session: facts.pid, pgrp: facts.pid });
  expect(statSync(join(home, 'daemon.err')).mode & 0o777).toBe(0o600);
});

test('a second start finds that one runs, and that is as good', async () => {
  await launch(daemon());
  expect(await launch(daemon())).toBe('running');
  expect(started()).toHaveLength(1);
});

test('what the daemon reports instead of ready is thrown as it is', async () => {
  const error = await failure(launch(daemon('refuse')));
  expect([error.code, error.params]).toEqual(['REGISTRY_NEWER', { found: 9, known: 1 }]);
  expect(readFileSync(join(home, 'daemon.err'), 'utf8')).toContain('the registry has schema 9');
});

test('a daemon that dies before it is ready: its last words are shown', async () => {
  const error = await failure(launch(script('console.error("no such table"); process.exit(3)')));
  expect([error.code, error.exit]).toEqual(['DAEMON_UNREACHABLE', 9]);
  expect(error.message).toContain('it ended with 3 before it was ready: no such table');
  const earlier = await failure(launch(script('process.kill(process.pid, "SIGKILL")')));
  expect(earlier.message).toContain('it ended with SIGKILL before it was ready');
  expect(earlier.message).not.toContain('no such table');
});

test('a program that is not there, and one that says something else', async () => {
  expect((await failure(launch(['/nowhere/reeved']))).message).toContain('cannot run /nowhere/reeved: ENOENT');
  const strange = await failure(launch(script('require("fs").writeSync(3, "hello\\n")')));
  expect(strange.message).toContain('it reported "hello"');
});

test('a daemon that is not ready in time is left running, and named', async () => {
  const late = `require("fs").appendFileSync(process.env.REEVE_HOME + "/started", JSON.stringify({ pid: process.pid }));
    setInterval(() => {}, 1000)`;
  const error = await failure(launch(script(late), {}, 1500));
  while (started().length === 0) await new Promise((done) => setImmediate(done));
  const [facts] = started();
  expect(error.message).toContain(`it was started (pid ${facts?.pid}) but was not ready after 1.5s`);
  expect(facts && isAlive(facts.pid)).toBe(true);
});

test('fifty at once get one daemon, and all of them a connection to it', async () => {
  const clients = await Promise.all(Array.from({ length: 50 }, () => connect()));
  const pids = new Set(clients.map((client) => client.daemon.pid));
  expect([...pids]).toEqual(started().map(({ pid }) => pid));
  expect(pids.size).toBe(1);
  await Promise.all(clients.map((client) => client.close()));
});

test('a killed daemon is replaced, although its socket still lies there', async () => {
  const first = await connect();
  await end(first.daemon.pid);
  await first.close();
  expect(existsSync(join(home, 'run', 'control.sock'))).toBe(true);
  const second = await connect();
  expect(second.daemon.pid).not.toBe(first.daemon.pid);
  await second.close();
});

test('a daemon that is there and does not answer is not doubled', async () => {
  const first = await connect();
  process.kill(first.daemon.pid, 'SIGSTOP');
  const error = await failure(connect(daemon(), 300));
  expect([error.code, error.params.how]).toEqual(['DAEMON_UNREACHABLE', 'silent']);
  expect(started()).toHaveLength(1);
  await first.close();
});

test('a daemon that cannot start is not tried again and again', async () => {
  const error = await failure(connect(daemon('refuse')));
  expect(error.code).toBe('REGISTRY_NEWER');
});
