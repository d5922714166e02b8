import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { call, rawService } from './service-client.ts';
import { lives, type Speaker, world } from './speaker.ts';

const LONGEST = 1 << 20;
const DEEPEST = 32;
const MOST_CONNECTIONS = 256;

/** Decision 0007, "The socket": what any program with a control socket answers. */
export function controlSocketContract(speaker: Speaker): void {
  test('ping, describe and status say who it is, and agree with the card', async () => {
    await using here = world();
    const { pid } = await here.open(speaker, { data: { port: 8081, version: '1.2.0', text: 'Zoë ✓' } });
    const socket = here.file('sock');
    const card = here.card();
    expect(await call(socket, 'ping')).toEqual({
      pid,
      protocol: 1,
      id: card.id,
      project: 'project',
      service: 'web-editor',
      instance: 0,
    });
    expect(await call(socket, 'describe')).toEqual(card);
    expect(await call(socket, 'status')).toEqual({
      pid,
      state: 'running',
      ready: true,
      health: 'unknown',
      health_reason: null,
      status: null,
      started_at: card.started_at,
      ports: [{ name: null, port: 8081, protocol: 'tcp', in_use: expect.any(Boolean) as boolean }],
    });
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });

  test('another protocol is refused, but for what recognises and stops it', async () => {
    await using here = world();
    const { pid, ended } = await here.open(speaker);
    using raw = await rawService(here.file('sock'));
    for (const protocol of [2, 0, '1', null, true]) {
      expect(await raw.ask({ id: 7, protocol, call: 'status' })).toMatchObject({
        id: 7,
        error: { code: 'PROTOCOL_MISMATCH' },
      });
    }
    expect(await raw.ask({ protocol: 2, call: 'ping' })).toMatchObject({ ok: { pid } });
    expect(await raw.ask({ protocol: 2, call: 'describe' })).toMatchObject({ ok: { pid, protocol: 1 } });
    expect(await raw.ask({ protocol: 2, call: 'shutdown' })).toMatchObject({ ok: { accepted: true, pid } });
    expect((await ended).code).toBe(0);
  });

  test('an invalid request is refused with USAGE and its id, and the connection stays', async () => {
    await using here = world();
    await here.open(speaker);
    using raw = await rawService(here.file('sock'));
    for (const line of ['', 'hello', '[]', '7', '{"id":0,"protocol":1,"call":"ping"}', '{"id":1.5,"call":"ping"}']) {
      raw.write(`${line}\n`);
      expect(await raw.next(), line).toMatchObject({ id: 0, error: { code: 'USAGE' } });
    }
    const wrong = [
      { call: 'explode' },
      { call: 'constructor' },
      { call: 7 },
      { call: 'ping', params: [] },
      { call: 'ping', params: null },
      { call: 'cleanup', params: { timeout: '5s' } },
      { call: 'cleanup', params: { timeout: -1 } },
      { call: 'shutdown', params: { reason: 7 } },
      { call: 'second_instance', params: { pid: 1, argv: 'x', cwd: '/' } },
    ];
    for (const request of wrong) {
      expect(await raw.ask({ id: 42, ...request }), JSON.stringify(request)).toMatchObject({
        id: 42,
        error: { code: 'USAGE' },
      });
    }
    expect(await raw.ask({ call: 'ping', params: { later: 1 }, later: 2 })).toMatchObject({ ok: { protocol: 1 } });
  });

  test('a line of one MiB is read, in pieces; a longer one is refused and the connection closed', async () => {
    await using here = world();
    await here.open(speaker);
    const head = '{"id":1,"protocol":1,"call":"ping","later":"';
    using raw = await rawService(here.file('sock'));
    raw.write(head);
    raw.write(`${'x'.repeat(LONGEST - head.length - 2)}"}\n`);
    expect(await raw.next()).toMatchObject({ id: 1, ok: {} });
    raw.write(`${'x'.repeat(2 * LONGEST)}\n`);
    expect(await raw.next()).toMatchObject({ id: 0, error: { code: 'USAGE' } });
    await raw.closed;
    expect(await call(here.file('sock'), 'ping')).toMatchObject({ protocol: 1 });
  });

  test('a request nested too deep is refused, whatever its size', async () => {
    await using here = world();
    await here.open(speaker);
    using raw = await rawService(here.file('sock'));
    const nested = (depth: number) =>
      `{"id":1,"protocol":1,"call":"ping","later":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}\n`;
    raw.write(nested(DEEPEST));
    expect(await raw.next()).toMatchObject({ ok: {} });
    for (const depth of [DEEPEST + 1, 200_000]) {
      raw.write(nested(depth));
      expect(await raw.next()).toMatchObject({ id: 0, error: { code: 'USAGE' } });
    }
    expect(await raw.ask({ call: 'ping', later: `\\"${'['.repeat(99)}` })).toMatchObject({ ok: {} });
  });

  test('many requests in one go are all answered, also beside one that takes long', async () => {
    await using here = world();
    await here.open(speaker, { announce: { cleanup: { method: 'hangs' } } });
    using raw = await rawService(here.file('sock'));
    const ids = Array.from({ length: 50 }, (_, at) => at + 1);
    raw.write('{"id":99,"protocol":1,"call":"cleanup","params":{"timeout":300}}\n');
    raw.write(ids.map((id) => `{"id":${id},"protocol":1,"call":"ping"}\n`).join(''));
    const replies = [];
    for (let at = 0; at <= ids.length; at++) replies.push(await raw.next());
    expect(replies.map(({ id }) => id).sort((a, b) => a - b)).toEqual([...ids, 99]);
    expect(replies.find(({ id }) => id === 99)).toMatchObject({ ok: { ok: false, reason: 'timed_out' } });
  });

  test('256 may be connected; one more is closed, and there is room again when others go', async () => {
    await using here = world();
    await here.open(speaker);
    const all = [];
    for (let at = 0; at < MOST_CONNECTIONS; at++) all.push(await rawService(here.file('sock')));
    for (const raw of all) expect(await raw.ask({ call: 'ping' })).toMatchObject({ ok: {} });
    await (await rawService(here.file('sock'))).closed;
    for (const raw of all) raw[Symbol.dispose]();
    await until('there is room again', () => call(here.file('sock'), 'ping').catch(() => null));
  });

  test('shutdown is answered at once, and ends the service as SIGTERM does', async () => {
    await using here = world();
    const service = await here.open(speaker, { stops: ['first', 'second'] });
    const answer = await call(here.file('sock'), 'shutdown', { reason: 'a test', timeout: null });
    expect(answer).toEqual({ accepted: true, pid: service.pid });
    expect(await service.ended).toEqual({ code: 0, signal: null });
    expect(service.lines.filter((line) => line.startsWith('stop'))).toEqual(['stop second', 'stop first']);
    expect(here.card()).toMatchObject({ state: 'stopped', ready: false });
  });

  test('a client that disconnects in the middle harms no other', async () => {
    await using here = world();
    const { pid } = await here.open(speaker, { announce: { cleanup: { method: 'done' } } });
    for (const text of ['', '{"id":1', '{"id":1,"protocol":1,"call":"describe"}\n'.repeat(500)]) {
      const raw = await rawService(here.file('sock'));
      raw.write(text);
      raw[Symbol.dispose]();
    }
    expect(await call(here.file('sock'), 'ping')).toMatchObject({ pid });
    expect(lives(pid)).toBe(true);
  });
}
