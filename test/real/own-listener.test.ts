import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { eventsOf, servicesOf, untilService } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { killDaemon } from '../harness/victims.ts';

/** Service → what made it ready. */
async function readyBy(reeve: TestReeve): Promise<ReadonlyMap<string | null, string>> {
  const events = await eventsOf(reeve);
  return new Map(events.filter((e) => e.event === 'service.ready').map((e) => [e.service, e.message]));
}

test('U11: a port or a path is asked where the service itself listens', async () => {
  await using reeve = startReeve();
  const [six, two, any, chosen, udp, mixed, shared] = await Promise.all([1, 2, 3, 4, 5, 6, 7].map(() => reeve.port()));
  const server = (port: number | string | undefined, host: string) => [
    ...reeve.program('http-server', `port=${port}`, `host=${host}`),
  ];
  const often = { interval: '100ms', retries: 1, start_period: 0 };
  reeve.project({
    services: {
      six: { command: server(six, '::1'), ports: [six], ready: { http: '/healthz' }, health: { tcp: six, ...often } },
      two: { command: server(two, '127.0.0.2'), ports: [two], health: { http: '/healthz', ...often } },
      any: { command: server(any, '::'), ports: [any], ready: { http: '/healthz' } },
      chosen: { command: server('${PORT}', '::1'), env: { PORT: chosen }, ready: { tcp: '${PORT}' } },
      mixed: { command: server(mixed, '127.0.0.3'), ports: [`${udp}/udp`, mixed], ready: { http: '/healthz' } },
      first: { command: server(shared, '127.0.0.1'), ports: [shared], ready: { http: '/healthz' } },
      second: {
        command: server(shared, '127.0.0.2'),
        ready: { tcp: shared },
        health: { tcp: shared, ...often },
        depends_on: ['first'],
      },
    },
  });
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(0);
  const how = await readyBy(reeve);
  expect(how.get('six')).toContain(`http://[::1]:${six}/healthz 200`);
  expect(how.get('two')).toContain(`http://127.0.0.2:${two}/healthz 200`);
  expect(how.get('any')).toContain(`http://127.0.0.1:${any}/healthz 200`);
  expect(how.get('chosen')).toContain(`connected to [::1]:${chosen}`);
  expect(how.get('mixed')).toContain(`http://127.0.0.3:${mixed}/healthz 200`);
  expect(how.get('first')).toContain(`http://127.0.0.1:${shared}/healthz 200`);
  expect(how.get('second')).toContain(`connected to 127.0.0.2:${shared}`);
  for (const name of ['six', 'two', 'second']) await untilService(reeve, name, (s) => s.health === 'healthy');
  const restarts = [...(await servicesOf(reeve)).values()].filter((s) => s.restarts > 0);
  expect(restarts).toEqual([]);
});

test('U11: the first port is still the first one for the next daemon', async () => {
  await using reeve = startReeve();
  const ports = [await reeve.port(), await reeve.port()].sort((a, b) => b - a);
  const health = { http: '/healthz', interval: '100ms', retries: 1, start_period: 0 };
  const command = [...reeve.program('http-server')];
  reeve.project({ services: { web: { command, ports, health, on_unhealthy: 'alert' } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await killDaemon(reeve);
  expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
  const seen = await untilService(reeve, 'web', (s) => (s.instances[0]?.health_history.length ?? 0) > 0);
  expect(seen.instances[0]?.health_history.at(-1)?.what).toBe(`GET http://127.0.0.1:${ports[0]}/healthz 200`);
  expect(seen.ports.map(({ port }) => port)).toEqual(ports);
});

test('U11: a helper outside the service that holds its port is named, with the address that asks it all the same', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  const helper = createServer((socket) => socket.end()).listen(port, '127.0.0.1');
  await once(helper, 'listening');
  try {
    const stays = [...reeve.program('stays')];
    reeve.project({
      services: {
        port: { command: stays, ready: { tcp: port } },
        address: { command: stays, ready: { tcp: `127.0.0.1:${port}` } },
      },
    });
    expect((await reeve.run(['up', '-d', '--no-wait'])).code).toBe(0);
    await untilService(reeve, 'address', (s) => s.ready);
    const seen = await untilService(reeve, 'port', (s) => s.reason?.includes('held by') ?? false);
    expect(seen).toMatchObject({ state: 'starting', ready: false });
    expect(seen.reason).toContain(`(pid ${process.pid}), which is not of this service`);
    expect(seen.reason).toContain(`to check it instead, name 127.0.0.1:${port}`);
  } finally {
    helper.close();
  }
});

test.runIf(process.getuid?.() === 0)(
  'U11: a service that may not be looked into is ready when its port is',
  async () => {
    await using reeve = startReeve({ asNobody: true });
    const [plain, asked] = await Promise.all([reeve.port(), reeve.port()]);
    const hides = (port: number) => [...reeve.program('hides-descriptors', `port=${port}`)];
    reeve.project({
      services: {
        plain: { command: hides(plain), ports: [plain] },
        asked: { command: hides(asked), ports: [asked], ready: { tcp: asked } },
      },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    const how = await readyBy(reeve);
    expect(how.get('plain')).toContain(`listens on ${plain} (${plain} as far as reeve may look into its processes)`);
    expect(how.get('asked')).toContain(`connected to 127.0.0.1:${asked}`);
  },
);
