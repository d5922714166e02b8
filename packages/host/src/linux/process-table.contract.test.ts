import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { identify, selfIdentity } from './identity.ts';
import { cgroupOf, cwdOf, environOf, filesOf, scanProcesses } from './process-table.ts';
import { listListeners } from './sockets.ts';
import { findGroup, findUser, userNameOf } from './users.ts';

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

async function start(argv: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const [command = '', ...args] = argv;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env, cwd: tmpdir(), detached: true });
  started.push(child);
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  return child.pid ?? -1;
}

test('a process is in the table with everything about it', async () => {
  const pid = await start(['/bin/sh', '-c', 'echo up; sleep 1000; :', 'two words']);
  const row = scanProcesses().find((each) => each.pid === pid);
  expect(row).toMatchObject({
    pid,
    ppid: process.pid,
    pgrp: pid,
    session: pid,
    threads: 1,
    start: identify(pid)?.start,
    uid: process.getuid?.(),
    command: '/bin/sh -c echo up; sleep 1000; : two words',
  });
  expect(row?.rss).toBeGreaterThan(4096);
  expect(row?.rss).toBeLessThan(100_000_000);
  const child = scanProcesses().find((each) => each.ppid === pid);
  if (child) process.kill(child.pid, 'SIGKILL');
});

test('its environment, folder, files and cgroup can be read, also when they are big', async () => {
  const big = 'x'.repeat(100_000);
  const pid = await start([process.execPath, '-e', 'console.log(1); setInterval(() => {}, 1e6)'], {
    BIG: big,
    BIG2: big,
    REEVE_RUN: 'last',
  });
  expect(environOf(pid)?.get('BIG2')).toBe(big);
  expect(environOf(pid)?.get('REEVE_RUN')).toBe('last');
  expect(cwdOf(pid)).toBe(tmpdir());
  expect(filesOf(pid)?.get(0)).toBe('/dev/null');
  expect(cgroupOf(pid)).toBe(cgroupOf('self'));
});

test('what is not there is null, not an error', () => {
  const pid = 2 ** 22;
  expect([environOf(pid), cwdOf(pid), filesOf(pid), cgroupOf(pid)]).toEqual([null, null, null, null]);
});

test('a listener is found with the process behind it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  expect(listListeners().find((each) => each.port === port)).toMatchObject({
    protocol: 'tcp',
    address: '127.0.0.1',
    uid: process.getuid?.(),
    process: selfIdentity(),
    user: userNameOf(process.getuid?.() ?? -1),
  });
  server.close();
  await once(server, 'close');
  expect(listListeners().find((each) => each.port === port)).toBeUndefined();
});

test('users and groups are found by name and by number; unknown and hostile ones are not', async () => {
  expect(await findUser('root')).toMatchObject({ name: 'root', uid: 0, gid: 0 });
  expect(await findUser('0')).toEqual(await findUser('root'));
  expect(await findGroup('0')).toEqual({ name: 'root', gid: 0 });
  for (const name of ['no-such-user-here', '-1', '--help', '', 'root:x']) {
    expect(await findUser(name)).toBeNull();
    expect(await findGroup(name)).toBeNull();
  }
});
