import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { eventsOf, servicesOf, untilService } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';

describe('ready', () => {
  test('is known in every declared way, and in its absence by health, ports or the process', async () => {
    await using reeve = startReeve();
    const ports = await Promise.all([1, 2, 3, 4, 5].map(() => reeve.port()));
    const [tcp, path, url, health, listens] = ports;
    const flag = `${reeve.folder}/flag`;
    reeve.project({
      services: {
        tcp: { command: [...reeve.program('slow-ready', `port=${tcp}`, 'ms=200')], ready: { tcp } },
        path: { command: [...reeve.program('http-server')], ports: [path], ready: { http: '/healthz' } },
        url: {
          command: [...reeve.program('http-server')],
          ports: { http: url },
          ready: { http: 'http://127.0.0.1:${ports.http}/', status: 200, body: '^\\d+' },
        },
        log: { command: 'echo now it is READY; exec sleep 1000', ready: { log: 'is REA[D]Y$' } },
        delay: { command: 'sleep 1000', ready: { delay: '200ms' } },
        command: { command: `sleep 0.2; touch ${flag}; exec sleep 1000`, ready: { command: `test -e ${flag}` } },
        health: {
          command: [...reeve.program('http-server')],
          ports: [health],
          health: { http: '/healthz', interval: '10s' },
        },
        listens: { command: [...reeve.program('slow-ready', 'ms=200')], ports: [listens] },
        neither: { command: 'sleep 1000' },
      },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    const how = new Map(
      (await eventsOf(reeve)).filter((e) => e.event === 'service.ready').map((e) => [e.service, e.message]),
    );
    expect(how.get('tcp')).toContain(`127.0.0.1:${tcp}`);
    expect(how.get('path')).toContain(`127.0.0.1:${path}/healthz 200`);
    expect(how.get('url')).toContain(`127.0.0.1:${url}/ 200`);
    expect(how.get('log')).toContain('now it is READY');
    expect(how.get('delay')).toContain('200 ms');
    expect(how.get('command')).toContain('exited with 0');
    expect(how.get('health')).toContain('/healthz 200');
    expect(how.get('listens')).toContain(`listens on ${listens}`);
    expect(how.get('neither')).toContain('its process runs');
    expect((await servicesOf(reeve)).get('health')?.health).toBe('healthy');
  });

  test('that does not come in time is a failure, and the reason holds the last answer', async () => {
    await using reeve = startReeve();
    const [a, b, c, d, e] = await Promise.all([1, 2, 3, 4, 5].map(() => reeve.port()));
    const stays = [...reeve.program('stays')];
    const server = (port: number | undefined) => [...reeve.program('http-server', `port=${port}`, 'healthy=/nowhere')];
    const late = (ready: object) => ({ restart: 'never', ready: { ...ready, timeout: '3s' } });
    reeve.project({
      services: {
        status: { command: server(a), ports: [a], ...late({ http: '/healthz' }) },
        body: { command: server(b), ports: [b], ...late({ http: '/', body: 'no such text' }) },
        range: { command: server(d), ports: [d], ...late({ http: '/', status: '201-299' }) },
        tcp: { command: stays, ...late({ tcp: c }) },
        log: { command: stays, ...late({ log: 'never said' }) },
        command: { command: stays, ...late({ command: 'echo not so fast; exit 4' }) },
        ports: { command: stays, ports: [e], restart: 'never', ready: { tcp: e, timeout: '3s' } },
      },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(1);
    const seen = await servicesOf(reeve);
    const expected: Record<string, string> = {
      status: '503',
      body: 'does not match /no such text/',
      range: ' 200',
      tcp: `nothing is listening on port ${c}`,
      log: '/never said/',
      command: 'not so fast',
      ports: `${e}`,
    };
    for (const [name, text] of Object.entries(expected)) {
      expect(seen.get(name), name).toMatchObject({ state: 'failed', ready: false, pid: null });
      expect(seen.get(name)?.reason, name).toContain('not ready within 3s');
      expect(seen.get(name)?.reason, name).toContain(text);
      expect(up.stderr + up.stdout).toContain(name);
    }
    expect(reeve.outside().filter((p) => /stays|http-server/.test(p.command))).toEqual([]);
  });

  test('that does not come in time counts as a crash for the restart policy', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        late: {
          command: [...reeve.program('stays')],
          ready: { log: 'never', timeout: '200ms' },
          restart: { policy: 'on-failure', backoff: 0, limit: '2 per 60s' },
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(1);
    expect((await servicesOf(reeve)).get('late')).toMatchObject({
      state: 'failed',
      restarts: 2,
      reason: expect.stringMatching(/not ready within 0.2s.*no line matches.*2 times in 60s/),
    });
    const events = await eventsOf(reeve, 'late');
    expect(events.filter((e) => e.event === 'service.started')).toHaveLength(3);
  });

  test('is not given by a stranger who listens on the port', async () => {
    await using reeve = startReeve();
    const port = await reeve.port();
    reeve.project({ services: { sleepy: { command: [...reeve.program('stays')], ports: [port] } } });
    expect((await reeve.run(['up', '-d', '--no-wait'])).code).toBe(0);
    await untilService(reeve, 'sleepy', (s) => s.state === 'starting' && s.pid !== null);
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
    try {
      const seen = await untilService(reeve, 'sleepy', (s) => s.reason?.includes('held by') ?? false);
      expect(seen).toMatchObject({ state: 'starting', ready: false });
      expect(seen.reason).toContain(`pid ${process.pid}`);
    } finally {
      await new Promise((resolve) => stranger.close(resolve));
    }
  });
});
