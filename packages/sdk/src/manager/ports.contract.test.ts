import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { ReeveError } from '@reeve/contract';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { programWorld } from '../test-programs.ts';
import { lookUp } from './found-process.ts';
import { findProcessByPort, findProcessesByPort, isPortInUse, killProcessById, killProcessOnPort } from './ports.ts';

const isRoot = process.geteuid?.() === 0;
const NOBODY = 65_534;
const started: number[] = [];
afterEach(() => {
  for (const pid of started.splice(0)) if (lookUp(pid)) process.kill(pid, 'SIGKILL');
});

/** A Python program that holds a port, says which, and who it is. `how`: what comes before `bind`. */
async function holder(
  options: {
    readonly kind?: 'STREAM' | 'DGRAM';
    readonly v6?: boolean;
    readonly reuse?: boolean;
    readonly port?: number;
    readonly uid?: number;
    readonly foreign?: boolean;
    readonly ignoresTerm?: boolean;
  } = {},
): Promise<{ pid: number; port: number }> {
  const { kind = 'STREAM', v6 = false, reuse = false, port = 0, foreign = false } = options;
  const code = [
    'import os,signal,socket,time',
    options.ignoresTerm ? 'signal.signal(signal.SIGTERM, signal.SIG_IGN)' : '',
    `s=socket.socket(socket.AF_INET${v6 ? '6' : ''},socket.SOCK_${kind})`,
    v6 ? 's.setsockopt(socket.IPPROTO_IPV6,socket.IPV6_V6ONLY,1)' : '',
    reuse ? 's.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEPORT,1)' : '',
    `s.bind(("${v6 ? '::1' : '127.0.0.1'}",${port}))`,
    kind === 'STREAM' ? 's.listen()' : '',
    'print(os.getpid(),s.getsockname()[1],flush=True)',
    'time.sleep(1e6)',
  ]
    .filter(Boolean)
    .join('\n');
  // A foreign one: its parent has ended before it is looked at, so it is not a child of this test.
  const argv: readonly [string, string[]] = foreign
    ? ['sh', ['-c', 'setsid python3 -c "$0" &', code]]
    : ['python3', ['-c', code]];
  const child: ChildProcess = spawn(argv[0], argv[1], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid, cwd: '/' }),
  });
  if (!child.stdout) throw new Error('no output');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const [pid = 0, bound = 0] = line.split(' ').map(Number);
  started.push(pid);
  return { pid, port: bound };
}
async function ownServer(): Promise<number> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

test('a port is in use or not, and its holder is found with name, command and user', async () => {
  const { pid, port } = await holder();
  expect(await isPortInUse(port)).toBe(true);
  expect(await isPortInUse(port, { protocol: 'udp' })).toBe(false);
  const found = await findProcessByPort(port);
  expect(found).toMatchObject({ pid, port, protocol: 'tcp', address: '127.0.0.1', user: expect.stringMatching(/./) });
  expect(found?.name).toContain('python');
  expect(found?.command).toContain('socket');
  await killProcessOnPort(port);
  expect(await isPortInUse(port)).toBe(false);
  expect(await findProcessByPort(port)).toBeNull();
});

describe('killProcessOnPort', () => {
  test('held by this program: protected, and no process is touched', async () => {
    const port = await ownServer();
    const result = await killProcessOnPort(port);
    expect(result).toMatchObject({ ok: false, reason: 'protected', processes: [] });
    expect(result.message).toContain(`port ${port}`);
    expect(await isPortInUse(port)).toBe(true);
  });

  test('held by what started this program: protected', async () => {
    await using world = await programWorld();
    const port = await ownServer();
    const child = world.start(`say('result', JSON.stringify(await sdk.killProcessOnPort(${port}, { force: true })));`);
    expect(JSON.parse(await child.said('result'))).toMatchObject({ ok: false, reason: 'protected' });
    expect(await isPortInUse(port)).toBe(true);
  });

  test.each([
    ['a child', {}],
    ['a foreign program', { foreign: true }],
    ['one that listens on IPv6 only', { v6: true }],
    ['one that uses UDP', { kind: 'DGRAM' }],
  ] as const)('held by %s: it is ended, and the port is free', async (_who, options) => {
    const { pid, port } = await holder(options);
    const result = await killProcessOnPort(port);
    expect(result).toMatchObject({ ok: true, reason: 'done' });
    expect(result.processes).toMatchObject([{ pid, signals: ['SIGTERM'], left: null }]);
    expect(await isPortInUse(port)).toBe(false);
  });

  test('held by one that ignores SIGTERM: killed when its grace is over', async () => {
    const { port } = await holder({ ignoresTerm: true });
    const result = await killProcessOnPort(port, { grace: 50 });
    expect(result.processes[0]?.signals).toEqual(['SIGTERM', 'SIGKILL']);
    expect(result.reason).toBe('done');
  });

  test('shared by several (SO_REUSEPORT): all of them are found and ended', async () => {
    const first = await holder({ reuse: true });
    const second = await holder({ reuse: true, port: first.port, foreign: true });
    expect((await findProcessesByPort(first.port)).map(({ pid }) => pid).sort()).toEqual(
      [first.pid, second.pid].sort(),
    );
    const result = await killProcessOnPort(first.port);
    expect(result.ok).toBe(true);
    expect(result.processes).toHaveLength(2);
    expect(await isPortInUse(first.port)).toBe(false);
  });

  test('TCP and UDP of one number are distinguished when asked', async () => {
    const tcp = await holder();
    const udp = await holder({ kind: 'DGRAM', port: tcp.port });
    expect(await killProcessOnPort(tcp.port, { protocol: 'udp' })).toMatchObject({ ok: true });
    expect(lookUp(udp.pid)).toBeNull();
    expect(lookUp(tcp.pid)).not.toBeNull();
  });

  test('held by nobody: not_found', async () => {
    const { port } = await holder();
    await killProcessOnPort(port);
    expect(await killProcessOnPort(port)).toMatchObject({ ok: false, reason: 'not_found' });
  });

  test.runIf(isRoot)(
    "held by another user's program: root is refused without force, an ordinary user always",
    async () => {
      const { pid, port } = await holder({ uid: NOBODY });
      const refused = await killProcessOnPort(port);
      expect(refused).toMatchObject({ ok: false, reason: 'not_permitted', processes: [] });
      expect(refused.message).toMatch(/nobody.*belongs to another user/);
      expect(lookUp(pid)).not.toBeNull();
      expect(await killProcessOnPort(port, { force: true })).toMatchObject({ ok: true, reason: 'done' });

      const own = await ownServer();
      await using world = await programWorld(false);
      const ordinary = world.start(
        `say('result', JSON.stringify(await sdk.killProcessOnPort(${own}, { force: true })));`,
        { uid: NOBODY },
      );
      const result = JSON.parse(await ordinary.said('result')) as { reason: string; message: string };
      expect(result.reason).toBe('not_permitted');
      expect(result.message).toContain('root');
      expect(await isPortInUse(own)).toBe(true);
    },
  );
});

describe('killProcessById', () => {
  test.each([0, 1, -1, 1.5, Number.NaN, process.pid, process.ppid])('%s is protected', async (pid) => {
    expect(await killProcessById(pid)).toMatchObject({ ok: false, reason: 'protected', processes: [] });
  });

  test('what has ended is not_found by number, and gone by what was looked up', async () => {
    const { pid } = await holder();
    const found = lookUp(pid);
    if (!found) throw new Error('it is not there');
    expect(await killProcessById(found)).toMatchObject({ ok: true, reason: 'done' });
    expect(await killProcessById(found)).toMatchObject({ ok: false, reason: 'gone' });
    expect(await killProcessById(pid)).toMatchObject({ ok: false, reason: 'not_found' });
  });

  test('a process that only has the pid of what was looked up is not touched', async () => {
    const { pid } = await holder();
    const found = lookUp(pid);
    if (!found) throw new Error('it is not there');
    const earlier = { pid, process: { ...found.process, start: found.process.start - 1 } };
    expect(await killProcessById(earlier)).toMatchObject({ ok: false, reason: 'gone' });
    expect(lookUp(pid)).not.toBeNull();
  });
});

test('an invalid port is an error of the call', async () => {
  for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
    await expect(isPortInUse(port)).rejects.toBeInstanceOf(ReeveError);
    await expect(killProcessOnPort(port)).rejects.toThrow('is not a valid port');
  }
});
