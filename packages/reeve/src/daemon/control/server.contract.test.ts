import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Calls, CONTROL_PROTOCOL, type EventView, type LogLineView, ReeveError } from '@reeve/contract';
import { ReeveClient } from '@reeve/sdk';
import fc from 'fast-check';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ControlHandlers } from './handler-types.ts';
import { LINE_BYTES } from './request.ts';
import { type ControlServer, startControlServer } from './server.ts';

let home: string;
let socket: string;
let server: ControlServer | null = null;
let logged: string[] = [];
const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reeve-control-'));
  socket = join(home, 'run', 'control.sock');
  logged = [];
});
afterEach(async () => {
  await server?.close();
  server = null;
  rmSync(home, { recursive: true, force: true });
});

const pong: Calls['ping']['ok'] = {
  pid: process.pid,
  version: '1.2.3',
  protocol: CONTROL_PROTOCOL,
  started_at: '2026-01-01T00:00:00.000Z',
  home: '/h',
  keeper_pid: null,
};
const unused = (): never => {
  throw new Error('this test does not call it');
};
const idle: ControlHandlers = {
  ping: () => pong,
  about: unused,
  upgrade: unused,
  apply: unused,
  start: unused,
  restart: unused,
  stop: unused,
  stopAll: unused,
  announced: unused,
  cleanup: unused,
  down: unused,
  wait: unused,
  ps: unused,
  why: unused,
  ports: ({ port }) => ({ ports: [row(port ?? 0)] }),
  plan: unused,
  hunt: unused,
  logs: unused,
  kill: unused,
  signal: unused,
  surroundings: unused,
  shutdown: unused,
  events: unused,
};
function row(port: number): Calls['ports']['ok']['ports'][number] {
  const nobody = { project: null, service: null, instance: null, name: null, owner: null };
  return { port, protocol: 'tcp', leased: false, listening: false, ...nobody };
}
async function start(handlers: Partial<ControlHandlers> = {}): Promise<void> {
  server = await startControlServer({ socket, handlers: { ...idle, ...handlers }, log });
}
const client = (): Promise<ReeveClient> => ReeveClient.connect({ socket, home, deadline: 20_000 });
async function failure(work: Promise<unknown>): Promise<ReeveError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ReeveError);
  return error as ReeveError;
}
/** A client without manners: sends what it is given, collects the text that comes back. */
async function raw(): Promise<{ connection: Socket; received: () => string }> {
  const connection = connect(socket);
  let text = '';
  connection.on('data', (chunk) => {
    text += chunk.toString();
  });
  connection.on('error', () => undefined);
  await once(connection, 'connect');
  return { connection, received: () => text };
}
async function until(connection: Socket, isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await once(connection, 'data');
}
const request = (call: string, params: unknown, id = 1): string =>
  `${JSON.stringify({ id, protocol: CONTROL_PROTOCOL, call, params })}\n`;

test('the socket is only ours whatever the umask, and so is the folder made for it', async () => {
  const before = process.umask(0);
  try {
    await start();
  } finally {
    expect(process.umask(before)).toBe(0);
  }
  expect(lstatSync(socket).mode & 0o777).toBe(0o600);
  expect(lstatSync(join(home, 'run')).mode & 0o777).toBe(0o700);
});

test('a folder that others may enter, and one that is a link, are refused', async () => {
  mkdirSync(join(home, 'run'));
  chmodSync(join(home, 'run'), 0o750);
  expect((await failure(start())).code).toBe('HOME_UNSAFE');
  symlinkSync(home, join(home, 'link'));
  socket = join(home, 'link', 'control.sock');
  expect((await failure(start())).message).toContain('symbolic link');
});

test('a path longer than the system takes is refused, not cut', async () => {
  socket = join(home, 'x'.repeat(100), 'control.sock');
  const error = await failure(start());
  expect([error.code, error.hint]).toEqual(['USAGE', 'choose a shorter --home']);
});

test('a socket left by a dead daemon is replaced, another file is not', async () => {
  mkdirSync(join(home, 'run'), { mode: 0o700 });
  const dead = createServer();
  dead.listen(socket);
  await once(dead, 'listening');
  await start();
  await using works = await client();
  expect(works.daemon).toEqual(pong);
  await new Promise((resolve) => dead.close(resolve));
  socket = join(home, 'run', 'file');
  writeFileSync(socket, 'mine');
  expect((await failure(start())).message).toContain('something other than a socket');
});

test('two clients with a thousand calls each get their own answers', async () => {
  await start();
  await using first = await client();
  await using second = await client();
  const ports = Array.from({ length: 1000 }, (_, index) => index + 1);
  const ask = (of: ReeveClient): Promise<number[]> =>
    Promise.all(ports.map(async (port) => (await of.call('ports', { port })).ports[0]?.port ?? -1));
  expect(await Promise.all([ask(first), ask(second)])).toEqual([ports, ports]);
});

test('an error of the catalogue is sent as it is; any other shows its details in the log only', async () => {
  await start({
    ps: () => Promise.reject(new ReeveError('PROJECT_UNKNOWN', { name: 'shop' })),
    why: () => {
      throw new Error('secret detail');
    },
  });
  await using caller = await client();
  const known = await failure(caller.call('ps', { project: null }));
  expect([known.code, known.params]).toEqual(['PROJECT_UNKNOWN', { name: 'shop' }]);
  const unexpected = await failure(caller.call('why', { project: {}, service: 'a' }));
  expect([unexpected.code, unexpected.params]).toEqual(['INTERNAL', { message: '"why" failed unexpectedly' }]);
  expect(logged.join('')).toContain('secret detail');
});

test('what cannot be a request is answered with why, and the connection stays', async () => {
  await start();
  const { connection, received } = await raw();
  connection.write('hello\n[]\n{"id":"x"}\n{"id":3,"call":"toString","protocol":1}\n');
  connection.write(request('ports', { port: 'eighty' }, 4));
  connection.write(request('ports', { port: 80, more: 1 }, 5));
  connection.write(`${'['.repeat(100_000)}\n`);
  connection.write(`${JSON.stringify({ id: 6, protocol: 99, call: 'ps', params: { project: null } })}\n`);
  connection.write(request('ports', { port: 80 }, 7));
  await until(connection, () => received().includes('"ok"'));
  const replies = received()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: number; error?: { code: string; params: { message: string } } });
  expect(replies.map(({ id, error }) => [id, error?.code])).toEqual([
    [0, 'USAGE'],
    [0, 'USAGE'],
    [0, 'USAGE'],
    [3, 'USAGE'],
    [4, 'USAGE'],
    [5, 'USAGE'],
    [0, 'USAGE'],
    [6, 'PROTOCOL_MISMATCH'],
    [7, undefined],
  ]);
  expect(replies[4]?.error?.params.message).toContain('ports: params/port');
  connection.destroy();
});

test('a line without an end is refused and its connection closed', async () => {
  await start();
  await using other = await client();
  const { connection, received } = await raw();
  connection.write(Buffer.alloc(LINE_BYTES + 2, 'x'));
  await once(connection, 'close');
  expect(received()).toContain(`longer than ${LINE_BYTES} bytes`);
  expect((await other.call('ping', {})).pid).toBe(process.pid);
});

test('random bytes and half-right requests never stop the server', async () => {
  await start();
  const nearly = fc
    .record({
      id: fc.anything(),
      protocol: fc.constantFrom(CONTROL_PROTOCOL, 0, 'x'),
      call: fc.constantFrom('ping', 'apply', 'stop', '__proto__', 'constructor', 7),
      params: fc.anything({ withNullPrototype: true }),
    })
    .map((value) => Buffer.from(`${safeJson(value)}\n`));
  const bytes = fc.uint8Array({ maxLength: 2000 }).map((array) => Buffer.from(array));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(bytes, nearly), { maxLength: 8 }), async (chunks) => {
      const { connection } = await raw();
      for (const chunk of chunks) connection.write(chunk);
      connection.end();
      await once(connection, 'close');
    }),
    { numRuns: 150 },
  );
  await using after = await client();
  expect((await after.call('ping', {})).pid).toBe(process.pid);
  expect(logged.filter((line) => line.includes('failed unexpectedly'))).toEqual([]);
});
function safeJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}` : inner));
}

test('a closed connection aborts its own calls only', async () => {
  const signals: AbortSignal[] = [];
  await start({
    events: (_, { signal }) => {
      signals.push(signal);
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve({})));
    },
  });
  const leaving = await client();
  await using staying = await client();
  const left = failure(leaving.call('events', { project: null }, { deadline: Infinity }));
  const stayed = staying.call('events', { project: null }, { deadline: Infinity });
  await leaving.call('ping', {});
  await staying.call('ping', {});
  const [first, second] = signals;
  if (!first || !second) throw new Error('both calls are open');
  const aborted = once(first, 'abort');
  await leaving.close();
  await aborted;
  expect((await left).params.how).toBe('closed');
  expect(second.aborted).toBe(false);
  await server?.close();
  expect(await stayed).toEqual({});
});

test('D18: a call that is no longer waited for is cancelled, and no other of its client', async () => {
  const signals: AbortSignal[] = [];
  await start({
    events: (_, { signal }) => {
      signals.push(signal);
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve({})));
    },
  });
  await using only = await client();
  const leave = new AbortController();
  const stays = only.call('events', { project: null }, { deadline: Infinity });
  const left = only.call('events', { project: null }, { signal: leave.signal, deadline: Infinity });
  const late = failure(only.call('events', { project: null }, { deadline: 200 }));
  await only.call('ping', {});
  leave.abort(new Error('Ctrl-C'));
  await expect(left).rejects.toThrow('Ctrl-C');
  expect((await late).code).toBe('DAEMON_UNREACHABLE');
  await only.call('ping', {}); // what was written before it has arrived
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, true, true]);
  await server?.close();
  expect(await stays).toEqual({});
});

test('a client that does not read is dropped, and the others do not notice', async () => {
  let stopped: unknown = null;
  await start({
    events: async (_, { push, signal }) => {
      const event = { message: 'x'.repeat(64 << 10) } as EventView;
      while (!signal.aborted) {
        push(event);
        await new Promise((resolve) => setImmediate(resolve));
      }
      stopped = signal.reason;
      return {};
    },
  });
  const { connection } = await raw();
  connection.pause();
  connection.write(request('events', { project: null }));
  await using other = await client();
  while (stopped === null) await other.call('ping', {});
  expect(stopped).toBeInstanceOf(ReeveError);
  expect(logged.join('')).toContain('does not read');
  connection.destroy();
});

test('what pushes much waits until its client has read, and the client is not dropped', async () => {
  const line = { line: 'x'.repeat(64 << 10) } as LogLineView;
  await start({
    logs: async (_, { push, drained }) => {
      for (let n = 0; n < 256; n++) {
        push(line);
        await drained();
      }
      return { lines: 256 };
    },
  });
  const { connection, received } = await raw();
  connection.pause();
  const all = { newest: null, since: null, until: null, stream: null, run: null, grep: null, follow: false };
  const actor = { kind: 'token', user: 'me', pid: 0 };
  connection.write(request('logs', { ...all, project: {}, services: [], actor }));
  await using other = await client();
  await other.call('ping', {});
  connection.resume();
  await until(connection, () => received().includes('"ok"'));
  expect(received().match(/"push"/g)).toHaveLength(256);
  connection.destroy();
});

test('the five hundred and thirteenth client hears that there are too many', async () => {
  await start();
  const crowd = await Promise.all(Array.from({ length: 512 }, client));
  const error = await failure(client());
  expect([error.code, error.params.home]).toEqual(['DAEMON_UNREACHABLE', home]);
  expect(error.message).toContain('512 clients');
  await Promise.all(crowd.map((each) => each.close()));
});

test('closing writes the replies of open calls, ends all connections and removes the socket', async () => {
  await start({
    ps: (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    wait: (_, { signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve({ outcome: 'timeout', services: [] }))),
  });
  const caller = await client();
  const told = failure(caller.call('ps', { project: null }));
  const answered = caller.call('wait', { project: {}, services: [], until: 'ready', timeout: null });
  await caller.call('ping', {});
  await server?.close();
  expect((await told).params.why).toBe('the daemon is going away');
  expect(await answered).toEqual({ outcome: 'timeout', services: [] });
  expect((await failure(caller.call('ping', {}))).code).toBe('DAEMON_UNREACHABLE');
  expect((await failure(client())).params.how).toBe('absent');
  await caller.close();
});

test('a call that never ends does not keep the server from closing', async () => {
  await start({ ps: () => new Promise(() => undefined) });
  const caller = await client();
  const call = failure(caller.call('ps', { project: null }));
  await caller.call('ping', {});
  await server?.close();
  expect((await call).params.how).toBe('broken');
  await caller.close();
});

test('D4: until it is open it says who it is, and everything else waits; what was abandoned meanwhile is not done', async () => {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const asked: (number | null)[] = [];
  const ports: ControlHandlers['ports'] = ({ port }) => {
    asked.push(port);
    return { ports: [] };
  };
  server = await startControlServer({ socket, handlers: { ...idle, ports }, log, opened });
  const abandoned = await client();
  const lost = abandoned.call('ports', { port: 1 });
  lost.catch(() => undefined);
  await using waiting = await client();
  expect(await waiting.call('ping', {})).toEqual(pong);
  const answer = waiting.call('ports', { port: 2 });
  await abandoned[Symbol.asyncDispose]();
  await expect.poll(() => server?.connections).toBe(1);
  expect(asked).toEqual([]);
  open();
  await answer;
  expect(asked).toEqual([2]);
});
