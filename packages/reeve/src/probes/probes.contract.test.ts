import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandCheck, HttpCheck } from '@reeve/contract';
import { isLiveState, listSockets, portHolders, readStat } from '@reeve/host';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProbeTarget, RunListener } from '../core/interfaces.ts';
import { parseAddress } from './probe-tcp.ts';
import { probes } from './probes.ts';

let folder: string;
const servers: Server[] = [];
const sockets = new Set<Socket>();
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reeve-probes-'));
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const { attempt, logLine } = probes({
  waitForLine: (check, _, signal) =>
    check.pattern === 'there'
      ? Promise.resolve('it is there')
      : new Promise((resolve) => signal.addEventListener('abort', () => resolve(null))),
  listeners: (port) => Promise.resolve(portHolders(port)),
  userOf: () => null,
});
/** The service is this test: all that listens is its own, but for what `strangers` bind (addresses). */
function target(ports: readonly number[] = [], strangers: readonly string[] = []): ProbeTarget {
  const env = { PATH: process.env['PATH'] ?? '/bin:/usr/bin', COLOUR: 'green' };
  const listening = (asked: readonly number[]): Promise<readonly RunListener[]> =>
    Promise.resolve(
      listSockets()
        .filter(({ protocol, port }) => protocol === 'tcp' && asked.includes(port))
        .map(({ port, address }) => ({ port, address, holder: strangers.includes(address) ? 'other' : 'run' })),
    );
  const processes: Pick<ProbeTarget['processes'], 'listening'> = { listening };
  return {
    run: 'run-1',
    logs: null,
    cwd: folder,
    env,
    ports,
    user: null,
    processes: processes as unknown as ProbeTarget['processes'],
  };
}
async function listen(server: Server, host = '127.0.0.1', at = 0): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen({ port: at, host, ipv6Only: host.includes(':') });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
const web = (answer: RequestListener): Promise<number> => listen(createHttp(answer));
async function freePort(): Promise<number> {
  const server = createTcp().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
const get = (url: string, more: Partial<HttpCheck> = {}): HttpCheck => ({
  kind: 'http',
  url,
  status: [[200, 399]],
  body: null,
  ...more,
});
const sh = (script: string): CommandCheck => ({
  kind: 'command',
  command: { text: 'check', how: { kind: 'shell', shell: '/bin/sh', script, why: '' } },
});
const LONG = 20_000;

test('http: the status decides, and no redirect is followed', async () => {
  let asked = 0;
  const port = await web((request, response) => {
    asked++;
    response.writeHead(request.url === '/moved' ? 302 : 503, { location: '/ok' }).end();
  });
  const url = `http://127.0.0.1:${port}`;
  expect(await attempt(get(`${url}/healthz`), target(), LONG)).toMatchObject({
    ok: false,
    what: `GET ${url}/healthz 503`,
  });
  expect(await attempt(get(`${url}/moved`), target(), LONG)).toMatchObject({ ok: true, what: `GET ${url}/moved 302` });
  expect(
    await attempt(
      get(`${url}/x`, {
        status: [
          [200, 200],
          [503, 503],
        ],
      }),
      target(),
      LONG,
    ),
  ).toMatchObject({ ok: true });
  expect(asked).toBe(3);
});

test('http: a path is asked on the first TCP port; user, password and query are not repeated', async () => {
  const port = await web((_, response) => response.end('fine'));
  const answer = await attempt(get('/healthz?token=s3cret'), target([port]), LONG);
  expect(answer).toMatchObject({ ok: true, what: `GET http://127.0.0.1:${port}/healthz 200` });
  expect((await attempt(get('/x'), target(), LONG)).what).toContain('no TCP port');
  const named = await attempt(get(`http://me:s3cret@localhost:${port}/`), target(), LONG);
  expect(named).toMatchObject({ ok: true, what: `GET http://localhost:${port}/ 200` });
});

test('http: a body pattern must be found', async () => {
  const port = await web((_, response) => response.end('{"status": "ok"}'));
  const url = `http://127.0.0.1:${port}/`;
  expect((await attempt(get(url, { body: '"status": "ok"' }), target(), LONG)).ok).toBe(true);
  const other = await attempt(get(url, { body: 'up' }), target(), LONG);
  expect(other).toMatchObject({ ok: false, what: `GET ${url} 200, but its body does not match /up/` });
});

test('http: an endless body is looked at up to the cap, and a body of a byte now and then up to the deadline', async () => {
  const port = await web((request, response) => {
    const tick = setInterval(() => response.write(request.url === '/endless' ? 'x'.repeat(8192) : 'x'), 5);
    response.on('close', () => clearInterval(tick));
  });
  const url = `http://127.0.0.1:${port}`;
  const endless = await attempt(get(`${url}/endless`, { body: 'never' }), target(), LONG);
  expect(endless).toMatchObject({ ok: false, what: `GET ${url}/endless 200, but its body does not match /never/` });
  const slow = await attempt(get(`${url}/slow`, { body: 'never' }), target(), 100);
  expect(slow).toMatchObject({ ok: false, what: `GET ${url}/slow: no answer within 0.1 s` });
  expect((await attempt(get(`${url}/slow`), target(), LONG)).ok).toBe(true);
});

test('http: fifty services that accept and never answer cost one deadline', async () => {
  const port = await listen(createTcp());
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => attempt(get(`http://127.0.0.1:${port}/`), target(), 100)),
  );
  for (const answer of answers)
    expect(answer).toMatchObject({ ok: false, what: expect.stringContaining('no answer within') });
});

test('what is refused, closed, no HTTP or no URL is said in a sentence', async () => {
  const none = await freePort();
  const what = async (url: string): Promise<string> => (await attempt(get(url), target(), LONG)).what;
  expect(await what(`http://127.0.0.1:${none}/`)).toBe(
    `GET http://127.0.0.1:${none}/: connection refused on 127.0.0.1:${none}`,
  );
  const shut = await listen(createTcp((socket) => socket.destroy()));
  expect(await what(`http://127.0.0.1:${shut}/`)).toContain('closed the connection');
  const smtp = await listen(createTcp((socket) => socket.end('220 ready\r\n')));
  expect(await what(`http://127.0.0.1:${smtp}/`)).toContain('does not speak HTTP');
  expect(await what('http://')).toBe('not a URL: http://');
  expect(await what('ftp://127.0.0.1/x')).toBe('neither http nor https: ftp://127.0.0.1/x');
});

test('a listener whose process does not accept: tcp is weak and connects, http fails', async () => {
  const script = `require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  child.kill('SIGSTOP');
  expect(await attempt({ kind: 'tcp', address: String(port) }, target(), LONG)).toMatchObject({ ok: true });
  expect(await attempt(get(`http://127.0.0.1:${port}/`), target(), 100)).toMatchObject({ ok: false });
});

test('tcp: a port, a host and port, no listener, no address', async () => {
  const port = await listen(createTcp());
  const ask = (address: string) => attempt({ kind: 'tcp', address }, target(), LONG);
  expect(await ask(`${port}`)).toMatchObject({ ok: true, what: `connected to 127.0.0.1:${port}` });
  expect(await ask(`localhost:${port}`)).toMatchObject({ ok: true });
  const none = await freePort();
  expect(await ask(`${none}`)).toMatchObject({ ok: false, what: `nothing is listening on port ${none} yet` });
  const refused = await ask(`127.0.0.1:${none}`);
  expect(refused).toMatchObject({ ok: false, what: `connection refused on 127.0.0.1:${none}` });
  expect(await ask('70000')).toMatchObject({ ok: false, what: 'not a port and not host:port: 70000' });
  expect(parseAddress('[::1]:80')).toEqual({ host: '::1', port: 80 });
});

test.each(['127.0.0.2', '::1', '0.0.0.0', '::'])(
  'U11: a port and a path are asked where the service listens: %s',
  async (host) => {
    const port = await listen(
      createHttp((_, response) => response.end('mine')),
      host,
    );
    // Its socket is for IPv6 alone, so the loopback of IPv4 refuses.
    const asked = { '0.0.0.0': '127.0.0.1', '::': '[::1]', '::1': '[::1]' }[host] ?? host;
    const tcp = await attempt({ kind: 'tcp', address: `${port}` }, target(), LONG);
    expect(tcp).toMatchObject({ ok: true, what: `connected to ${asked}:${port}` });
    const http = await attempt(get('/x', { body: 'mine' }), target([port]), LONG);
    expect(http).toMatchObject({ ok: true, what: `GET http://${asked}:${port}/x 200` });
  },
);

test('U11: of two servers on one port each is asked at its own address', async () => {
  const answering = (text: string) => createHttp((_, response) => response.end(text));
  const port = await listen(answering('first'), '127.0.0.1');
  await listen(answering('second'), '127.0.0.2', port);
  const first = await attempt(get('/', { body: 'first' }), target([port], ['127.0.0.2']), LONG);
  expect(first).toMatchObject({ ok: true, what: `GET http://127.0.0.1:${port}/ 200` });
  const second = await attempt(get('/', { body: 'second' }), target([port], ['127.0.0.1']), LONG);
  expect(second).toMatchObject({ ok: true, what: `GET http://127.0.0.2:${port}/ 200` });
});

test('U11: a port that another process holds is not asked, and the answer says who, and how to ask it', async () => {
  const port = await web((_, response) => response.end('not yours'));
  const held = `port ${port} is held by .*pid ${process.pid}.*to check it instead, name 127.0.0.1:${port}$`;
  const ours = target([port], ['127.0.0.1']);
  for (const check of [get('/x'), { kind: 'tcp', address: `${port}` } as const]) {
    const answer = await attempt(check, ours, LONG);
    expect(answer).toMatchObject({ ok: false, what: expect.stringMatching(held) as string });
  }
  // An address is asked as it is.
  const address = `127.0.0.1:${port}`;
  expect(await attempt({ kind: 'tcp', address }, ours, LONG)).toMatchObject({ ok: true });
  expect(await attempt(get(`http://${address}/x`), ours, LONG)).toMatchObject({ ok: true });
});

test('U11: an answer is an answer: the next address is asked only when the one before refused', async () => {
  const asked: string[] = [];
  const answer: RequestListener = (request, response) => {
    asked.push(request.socket.localAddress ?? '');
    response.writeHead(503).end();
  };
  const port = await listen(createHttp(answer), '127.0.0.1');
  await listen(createHttp(answer), '::1', port);
  expect(await attempt(get('/x'), target([port]), LONG)).toMatchObject({
    ok: false,
    what: expect.stringContaining('503'),
  });
  expect(asked).toEqual(['127.0.0.1']);
});

test('U12: tcp: a server that greets meets an orderly end, and no reset', async () => {
  const ended = new Promise<string>((resolve) => {
    const server = createTcp({ allowHalfOpen: true }, (socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      // The greeting goes out late, and in many parts: a connection that is gone answers the second with a reset.
      for (let part = 0; part < 5; part++) setTimeout(() => socket.write('220 hello\r\n'), 10 + 10 * part);
      setTimeout(() => socket.end(), 80);
      socket.on('close', () => resolve('closed')).resume();
    });
    servers.push(server);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      void attempt({ kind: 'tcp', address: `${port}` }, target(), LONG);
    });
  });
  expect(await ended).toBe('closed');
});

test("command: exit 0 is ok; it runs in the service's folder and environment, with its cookie", async () => {
  const script = `test "$(pwd -P)" = "$(cd '${folder}' && pwd -P)" && test "$COLOUR$REEVE_RUN" = greenrun-1`;
  expect(await attempt(sh(script), target(), LONG)).toMatchObject({ ok: true, what: 'check exited with 0' });
  const bad = await attempt(sh('echo one; echo "disk is full" >&2; exit 3'), target(), LONG);
  expect(bad).toMatchObject({ ok: false, what: 'check ended with 3: disk is full' });
});

test('command: a program that is not there is said so', async () => {
  const check: CommandCheck = { kind: 'command', command: { text: 'nope', how: { kind: 'argv', argv: ['/nope'] } } };
  expect(await attempt(check, target(), LONG)).toMatchObject({ ok: false, what: 'cannot run nope: ENOENT' });
});

test('command: a hanging one is killed at the deadline with all that it forked into its group', async () => {
  const answer = await attempt(sh(`sleep 1000 & echo $$ $! > pids; wait`), target(), 1500);
  expect(answer).toMatchObject({ ok: false, what: 'check: no answer within 1.5 s' });
  await allGone();
});

test('command: what it leaves in its group is ended when it exits', async () => {
  expect(await attempt(sh(`sleep 1000 & echo $! > pids; exit 0`), target(), LONG)).toMatchObject({ ok: true });
  await allGone();
});

test('command: output without end does not fill the memory, nor block it', async () => {
  const answer = await attempt(sh('head -c 30000000 /dev/zero; echo; echo done; exit 1'), target(), LONG);
  expect(answer).toMatchObject({ ok: false, what: 'check ended with 1: done' });
});

async function allGone(): Promise<void> {
  const pids = readFileSync(join(folder, 'pids'), 'utf8').trim().split(' ').map(Number);
  expect(pids.every((pid) => pid > 1)).toBe(true);
  const isAlive = (pid: number): boolean => {
    const stat = readStat(pid);
    return stat !== null && isLiveState(stat);
  };
  while (pids.some(isAlive)) await new Promise((resolve) => setImmediate(resolve));
}

test('a scan that hangs, a line that does not come and a watchdog are answers too', async () => {
  const hangs = { listening: () => new Promise<never>(() => undefined) } as unknown as ProbeTarget['processes'];
  const deaf: ProbeTarget = { ...target(), processes: hangs };
  expect(await attempt({ kind: 'listening', ports: [1] }, deaf, 20)).toMatchObject({
    ok: false,
    what: 'listeners of 1: no answer within 0.02 s',
  });
  expect(await attempt({ kind: 'tcp', address: '1' }, deaf, 20)).toMatchObject({
    ok: false,
    what: 'listeners of port 1: no answer within 0.02 s',
  });
  expect(await attempt({ kind: 'log', pattern: 'there' }, target(), LONG)).toMatchObject({
    ok: true,
    what: 'it wrote "it is there"',
  });
  expect(await attempt({ kind: 'log', pattern: 'absent' }, target(), 20)).toMatchObject({ ok: false });
  expect((await attempt({ kind: 'watchdog', timeout: 1 }, target(), LONG)).ok).toBe(false);
});

test('logLine hands over to the logs and ends with its signal', async () => {
  expect(await logLine({ kind: 'log', pattern: 'there' }, target(), new AbortController().signal)).toBe('it is there');
  const controller = new AbortController();
  const none = logLine({ kind: 'log', pattern: 'absent' }, target(), controller.signal);
  controller.abort();
  expect(await none).toBeNull();
});
