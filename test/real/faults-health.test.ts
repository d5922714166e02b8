import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import path from 'node:path';
import { createGzip } from 'node:zlib';
import type { PsView } from '@reeve/contract';
import { describe, expect, onTestFinished, test } from 'vitest';
import { eventsOf, linesOf, serviceOf, servicesOf, untilService } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

/** FAULTS.md, health checks and what of time touches them: the scenario's id is in each name. */

const stays = 'exec sleep 1000';
const daemonPid = async (reeve: TestReeve) => Number((await reeve.json<PsView>(['ps'])).daemon.pid);
/** The most memory that a process has had so far, in MB. */
const peak = (pid: number) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** A server of the test's own, on a free port of the loopback. */
async function serve(answer: RequestListener): Promise<{ readonly url: string }> {
  const server = createServer(answer);
  server.on('connection', (socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('HC1: a listener that never accepts passes a tcp check, and fails an http one', async () => {
  await using reeve = startReeve();
  const [a, b] = [await reeve.port(), await reeve.port()];
  const deaf = (port: number) => [
    'python3',
    '-c',
    `import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", ${port})); s.listen(128)
time.sleep(1000)`,
  ];
  const often = { interval: '200ms', timeout: '300ms', retries: 2, start_period: '0' };
  reeve.project({
    services: {
      tcp: { command: deaf(a), ports: [a], health: { tcp: a, ...often }, on_unhealthy: 'alert' },
      http: {
        command: deaf(b),
        ports: [b],
        ready: { tcp: b },
        health: { http: '/healthz', ...often },
        on_unhealthy: 'alert',
      },
    },
  });
  await reeve.run(['up', '-d']);
  const http = await untilService(reeve, 'http', (s) => s.health === 'unhealthy');
  expect(http).toMatchObject({ state: 'running', restarts: 0 });
  expect(http.instances[0]?.health_history.at(-1)?.what).toContain('no answer within 0.3 s');
  expect((await serviceOf(reeve, 'tcp')).health).toBe('healthy');
});

test('HC2: fifty services that never answer: each attempt ends at its deadline, and none piles up on another', async () => {
  await using reeve = startReeve();
  let open = 0;
  let most = 0;
  const server = createTcpServer((socket) => {
    open += 1;
    most = Math.max(most, open);
    socket.on('error', () => undefined).on('close', () => (open -= 1));
    socket.resume(); // or the end of a connection would not be noticed
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const health = { http: url, interval: '300ms', timeout: '500ms', retries: 3, start_period: '0' };
  const names = Array.from({ length: 50 }, (_, n) => `s${n}`);
  const spec = { command: stays, ready: { delay: '10ms' }, health, on_unhealthy: 'nothing' };
  reeve.project({ services: Object.fromEntries(names.map((name) => [name, spec])) });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await until('all are unhealthy', async () =>
    [...(await servicesOf(reeve)).values()].every((s) => s.health === 'unhealthy'),
  );
  expect(most).toBeLessThanOrEqual(50);
  const each = (await servicesOf(reeve)).values();
  for (const { state, restarts } of each) expect({ state, restarts }).toEqual({ state: 'running', restarts: 0 });
});

test('HC3: a body that drips, one that never ends and one that explodes: a failure in time, and little memory', async () => {
  await using reeve = startReeve();
  const { url } = await serve((request, response) => {
    response.on('error', () => undefined);
    if (request.url === '/drip') {
      response.writeHead(200, { 'content-length': '1000' });
      const timer = setInterval(() => response.write('x'), 100);
      response.on('close', () => clearInterval(timer));
    } else if (request.url === '/endless') {
      const more = (): void => {
        while (!response.destroyed && response.write('y'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    } else {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const bomb = createGzip();
      bomb.on('error', () => undefined).pipe(response);
      const zeros = Buffer.alloc(1024 * 1024);
      let left = 200;
      const more = (): void => {
        while (left-- > 0 && !response.destroyed && bomb.write(zeros));
        if (left <= 0) bomb.end();
      };
      bomb.on('drain', more);
      more();
    }
  });
  const check = (route: string) => ({
    command: stays,
    ready: { delay: '10ms' },
    health: {
      http: `${url}/${route}`,
      body: 'never',
      interval: '300ms',
      timeout: '600ms',
      retries: 2,
      start_period: '0',
    },
    on_unhealthy: 'alert',
  });
  reeve.project({ services: { drip: check('drip'), endless: check('endless'), bomb: check('bomb') } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  for (const name of ['drip', 'endless', 'bomb']) await untilService(reeve, name, (s) => s.health === 'unhealthy');
  expect(peak(await daemonPid(reeve))).toBeLessThan(400);
});

test('HC5: an answer that alternates changes nothing; only failures in a row do', async () => {
  await using reeve = startReeve();
  let asked = 0;
  let isBroken = false;
  const { url } = await serve((_request, response) => {
    asked += 1;
    response.writeHead(isBroken || asked % 2 === 0 ? 500 : 200).end();
  });
  const health = { http: url, interval: '200ms', retries: 3, start_period: '0' };
  const restart = { policy: 'on-failure', backoff: 0, limit: '2 per 60s' };
  reeve.project({ services: { web: { command: stays, ready: { delay: '10ms' }, health, restart } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await until('it was asked often', () => asked > 20);
  expect(await serviceOf(reeve, 'web')).toMatchObject({ state: 'running', health: 'healthy', restarts: 0 });
  isBroken = true;
  // Restarts because of its health count against the budget like any other.
  const failed = await untilService(reeve, 'web', (s) => s.state === 'failed');
  expect(failed.reason).toMatch(/500.*2 times in 60s/);
});

test('HC6: a check that forks a daemon, prints without end and hangs is cut off, and leaves nothing', async () => {
  await using reeve = startReeve();
  const command = ['sh', '-c', 'setsid sleep 1000 & yes no end of it; sleep 1000'];
  const health = { command, interval: '300ms', timeout: '700ms', retries: 2, start_period: '0' };
  reeve.project({ services: { web: { command: stays, ready: { delay: '10ms' }, health, on_unhealthy: 'alert' } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const web = await untilService(reeve, 'web', (s) => s.health === 'unhealthy');
  expect(web.instances[0]?.health_history.at(-1)?.what).toContain('no answer within 0.7 s');
  expect(peak(await daemonPid(reeve))).toBeLessThan(400);
  const stop = await reeve.run(['down']);
  expect(stop.code, stop.stderr).toBe(0);
  const left = reeve.outside().filter(({ command: line }) => /sleep 1000|yes no end/.test(line));
  expect(left).toEqual([]);
});

describe('HC8, TM2: a daemon that was stopped for a while', () => {
  test('restarts no service for checks and pings that it could not hear, and gives a start its chance', async () => {
    await using reeve = startReeve();
    const port = await reeve.port();
    const orders = path.join(reeve.folder, 'orders');
    const go = path.join(reeve.folder, 'go');
    writeFileSync(orders, 'send READY=1\npings 0.2\n');
    const health = { http: '/healthz', interval: '200ms', timeout: '300ms', retries: 1, start_period: '0' };
    reeve.project({
      services: {
        web: { command: [...reeve.program('http-server')], ports: [port], health },
        pings: {
          command: [...reeve.program('notifier', `orders=${orders}`)],
          ready: 'notify',
          health: { watchdog: '2s', start_period: '0' },
        },
        slow: {
          command: `until test -e ${go}; do sleep 0.05; done; exec sleep 1000`,
          ready: { command: `test -e ${go}`, timeout: '5s' },
          autostart: false, // its time begins just before the daemon is stopped
        },
      },
    });
    await reeve.run(['up', '-d', '--no-wait']);
    for (const name of ['web', 'pings']) await untilService(reeve, name, (s) => s.health === 'healthy');
    await reeve.run(['start', 'slow', '--no-wait']);
    const pid = await daemonPid(reeve);
    process.kill(pid, 'SIGSTOP');
    spawnSync('sleep', ['8']); // longer than every limit above; the passing of time is what is tested
    writeFileSync(go, '');
    process.kill(pid, 'SIGCONT');
    await untilService(reeve, 'slow', (s) => s.state === 'running');
    // It continues to judge: a service that really stops pinging is restarted.
    const before = await eventsOf(reeve);
    expect(before.filter(({ event }) => /unhealthy|not_ready|restarting|exited/.test(event))).toEqual([]);
    writeFileSync(orders, 'send READY=1\npings 0.2\npings 0\n');
    await untilService(reeve, 'pings', (s) => s.restarts === 1);
    expect(await serviceOf(reeve, 'web')).toMatchObject({ health: 'healthy', restarts: 0 });
  });
});

test('HC9: who sends READY=1 to the socket of an older run makes no newer one ready', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { web: { command: 'echo "at $NOTIFY_SOCKET"; exec sleep 1000', ready: 'notify' } } });
  await reeve.run(['up', '-d', '--no-wait']);
  const socketOf = (wanted: number) =>
    until('its socket is known', async () => {
      const lines = (await linesOf(reeve, 'web')).filter((line) => line.startsWith('at '));
      return lines.length === wanted ? lines.at(-1)?.slice(3) : null;
    });
  const old = await socketOf(1);
  await reeve.run(['restart', 'web', '--no-wait']);
  const now = await socketOf(2);
  expect(now).not.toBe(old);
  const ready = (where: string) =>
    spawnSync(
      'python3',
      [
        '-c',
        'import socket,sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", sys.argv[1])',
        where,
      ],
      { encoding: 'utf8' },
    );
  expect(ready(old).status).toBe(1);
  expect((await serviceOf(reeve, 'web')).state).toBe('starting');
  expect(ready(now).status).toBe(0);
  await untilService(reeve, 'web', (s) => s.state === 'running');
});
