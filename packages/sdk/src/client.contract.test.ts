import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTROL_PROTOCOL, ReeveError } from '@reeve/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ReeveClient } from './client.ts';

let home: string;
let socket: string;
let servers: Server[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reeve-sdk-'));
  mkdirSync(join(home, 'run'), { mode: 0o700 });
  socket = join(home, 'run', 'c.sock');
});
afterEach(() => {
  for (const server of servers) server.close();
  servers = [];
  rmSync(home, { recursive: true, force: true });
});

interface Request {
  id: number;
  call: string;
  protocol: number;
  params: Record<string, unknown>;
}
const pong = { pid: 7, version: '9.9.9', protocol: CONTROL_PROTOCOL, started_at: 'x', home: 'y', keeper_pid: null };

/** A server of the test's own: `answer` gets every request but the first ping of each connection. */
async function daemon(answer: (request: Request, socket: Socket) => void, ping: object = pong): Promise<void> {
  const server = createServer((connection) => {
    let text = '';
    let greeted = false;
    connection.on('error', () => undefined);
    connection.on('data', (chunk) => {
      text += chunk.toString();
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
        const request = JSON.parse(text.slice(0, end)) as Request;
        text = text.slice(end + 1);
        if (greeted) answer(request, connection);
        else send(connection, { id: request.id, ok: ping });
        greeted = true;
      }
    });
  });
  servers.push(server);
  server.listen(socket);
  await once(server, 'listening');
}
function send(connection: Socket, message: unknown): void {
  connection.write(`${JSON.stringify(message)}\n`);
}
const connect = (deadline = 5000): Promise<ReeveClient> => ReeveClient.connect({ socket, home, deadline });
async function failure(work: Promise<unknown>): Promise<ReeveError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ReeveError);
  return error as ReeveError;
}

test('a call returns what the daemon answers, and connect what the daemon said of itself', async () => {
  await daemon((request, connection) => send(connection, { id: request.id, ok: { echo: request } }));
  await using client = await connect();
  expect(client.daemon).toEqual(pong);
  const answer: unknown = await client.call('ports', { port: 80 });
  expect(answer).toEqual({ echo: { id: 2, protocol: CONTROL_PROTOCOL, call: 'ports', params: { port: 80 } } });
});

test('a thousand calls at once each get their own answer, in whatever order it comes', async () => {
  const held: [Request, Socket][] = [];
  await daemon((request, connection) => {
    held.push([request, connection]);
    if (held.length < 1000) return;
    for (const [late, to] of held.reverse()) send(to, { id: late.id, ok: late.params });
  });
  await using client = await connect();
  const calls = Array.from({ length: 1000 }, (_, port) => client.call('ports', { port }));
  const answers: unknown[] = await Promise.all(calls);
  expect(answers).toEqual(Array.from({ length: 1000 }, (_, port) => ({ port })));
});

test('pushes reach the call that asked for them, before its answer', async () => {
  await daemon((request, connection) => {
    send(connection, { id: request.id, push: { service: 'a' } });
    send(connection, { id: request.id, push: { service: 'b' } });
    send(connection, { id: request.id, ok: {} });
  });
  await using client = await connect();
  const seen: unknown[] = [];
  await client.call('events', { project: null }, { onPush: (event) => seen.push(event), deadline: Infinity });
  expect(seen).toEqual([{ service: 'a' }, { service: 'b' }]);
});

test("the daemon's error arrives with its code and parameters", async () => {
  const params = { name: 'wrker', project: 'shop', near: 'worker' };
  await daemon((request, connection) =>
    send(connection, { id: request.id, error: { code: 'SERVICE_UNKNOWN', params } }),
  );
  await using client = await connect();
  const error = await failure(client.call('ps', { project: null }));
  expect([error.code, error.params, error.exit]).toEqual(['SERVICE_UNKNOWN', params, 4]);
  expect(error.hint).toBe('did you mean worker?');
});

test('an error code of a newer daemon is named and not mistaken for a property of the table', async () => {
  await daemon((request, connection) => send(connection, { id: request.id, error: { code: 'toString', params: {} } }));
  await using client = await connect();
  const error = await failure(client.call('ps', { project: null }));
  expect(error.code).toBe('INTERNAL');
  expect(error.message).toContain('toString');
});

test('no folder, no socket and a socket that nothing is listening on give three different errors', async () => {
  const none = await failure(ReeveClient.connect({ socket: join(home, 'nowhere', 'c.sock'), home }));
  expect([none.code, none.params.how, none.params.home]).toEqual(['DAEMON_UNREACHABLE', 'absent', home]);
  const absent = await failure(connect());
  expect([absent.code, absent.params.how]).toEqual(['DAEMON_UNREACHABLE', 'absent']);
  writeFileSync(socket, '');
  const refused = await failure(connect());
  expect([refused.code, refused.params.how, refused.exit]).toEqual(['DAEMON_UNREACHABLE', 'refused', 9]);
});

test('a daemon that accepts and never answers is unreachable when the deadline is over', async () => {
  const server = createServer();
  servers.push(server);
  const connections: Socket[] = [];
  server.on('connection', (connection) => connections.push(connection));
  server.listen(socket);
  await once(server, 'listening');
  const error = await failure(connect(50));
  expect([error.code, error.params.how]).toEqual(['DAEMON_UNREACHABLE', 'silent']);
  expect(error.message).toContain('"ping" within 0.05 s');
});

test('a call that is not answered in time leaves the connection to the others', async () => {
  await daemon((request, connection) => {
    if (request.call !== 'why') send(connection, { id: request.id, ok: {} });
  });
  await using client = await connect();
  const late = await failure(client.call('why', { project: {}, service: 'a' }, { deadline: 30 }));
  expect(late.params.how).toBe('silent');
  expect(await client.call('ps', { project: null })).toEqual({});
});

test('a daemon that dies in the middle ends every call, and later ones at once', async () => {
  await daemon((_, connection) => connection.destroy());
  await using client = await connect();
  const calls = [client.call('ps', { project: null }), client.call('ports', { port: null }, { deadline: Infinity })];
  for (const call of calls) {
    const error = await failure(call);
    expect([error.code, error.params.why]).toEqual(['DAEMON_UNREACHABLE', 'the connection broke']);
  }
  expect((await failure(client.call('ps', { project: null }))).code).toBe('DAEMON_UNREACHABLE');
});

test('an aborted call rejects with the reason of its signal', async () => {
  await daemon(() => undefined);
  await using client = await connect();
  const controller = new AbortController();
  const call = client.call('events', { project: null }, { signal: controller.signal, deadline: Infinity });
  controller.abort(new Error('Ctrl-C'));
  await expect(call).rejects.toThrow('Ctrl-C');
});

test('closing the client rejects what it still waits for', async () => {
  await daemon(() => undefined);
  const client = await connect();
  const call = failure(client.call('events', { project: null }, { deadline: Infinity }));
  await client.close();
  expect((await call).params.how).toBe('closed');
});

test('something else at the socket is not taken for a daemon', async () => {
  const server = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.write('220 smtp ready\r\n');
  });
  servers.push(server);
  server.listen(socket);
  await once(server, 'listening');
  const error = await failure(connect());
  expect(error.message).toContain('not a reeve daemon');
});

test('a daemon of another protocol refuses every call but ping and shutdown', async () => {
  await daemon((request, connection) => send(connection, { id: request.id, ok: { receipts: [] } }), {
    ...pong,
    protocol: CONTROL_PROTOCOL + 1,
  });
  await using client = await connect();
  expect((await failure(client.call('ps', { project: null }))).code).toBe('PROTOCOL_MISMATCH');
  const actor = { kind: 'cli', user: 'me', pid: 1 } as const;
  expect(await client.call('shutdown', { with_services: false, actor })).toEqual({ receipts: [] });
});

test('a folder that others may write to is refused, and so is a path longer than the system takes', async () => {
  await daemon(() => undefined);
  chmodSync(join(home, 'run'), 0o770);
  const unsafe = await failure(connect());
  expect([unsafe.code, unsafe.exit]).toEqual(['HOME_UNSAFE', 7]);
  expect(unsafe.hint).toContain('chmod 700');
  const long = await failure(ReeveClient.connect({ socket: join(home, 'x'.repeat(100), 'c.sock'), home }));
  expect([long.code, long.exit]).toEqual(['USAGE', 2]);
});

test('an onPush that throws fails its own call, not the program', async () => {
  await daemon((request, connection) => send(connection, { id: request.id, push: {} }));
  await using client = await connect();
  const call = client.call(
    'events',
    { project: null },
    {
      onPush: () => {
        throw new Error('cannot draw');
      },
    },
  );
  await expect(call).rejects.toThrow('cannot draw');
});
