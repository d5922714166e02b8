import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ReeveError, SERVICE_REQUEST_BYTES } from '@reeve/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { programWorld } from '../test-programs.ts';
import { askService } from './ask-service.ts';
import { listCards } from './cards.ts';
import { discoverService } from './discover.ts';
import { type ServiceHandlers, type ServiceServer, serveService } from './service-server.ts';

let folder: string;
let socket: string;
let server: ServiceServer;
let clients: Socket[] = [];
const outcome = { ok: true, reason: 'done', message: null, ms: 1 } as const;
const handlers: ServiceHandlers = {
  ping: () => ({ pid: 1, protocol: 1, id: 'x', project: 'p', service: 's', instance: 0 }),
  describe: () => {
    throw new Error('broke');
  },
  status: () => new Promise(() => undefined),
  start: () => Promise.reject(new ReeveError('NOT_RUNNING', { name: 'a' })),
  cleanup: ({ timeout }) =>
    new Promise((resolve) => setTimeout(() => resolve({ ...outcome, ms: timeout ?? 0 }), timeout ?? 0)),
  shutdown: () => ({ accepted: true, pid: 1 }),
  second_instance: () => ({ accepted: false }),
};
beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'rv-sock-')));
  socket = join(folder, 's.sock');
  server = await serveService(socket, handlers);
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients = [];
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});
async function client(): Promise<{ send: (text: string) => void; lines: AsyncIterator<string>; socket: Socket }> {
  const connection = connect(socket);
  clients.push(connection);
  await once(connection, 'connect');
  const lines = createInterface(connection)[Symbol.asyncIterator]();
  return { send: (text) => void connection.write(text), lines, socket: connection };
}
const next = async (lines: AsyncIterator<string>): Promise<unknown> => JSON.parse((await lines.next()).value as string);

test('one connection takes many requests, in pieces, and answers each when it is done', async () => {
  const { send, lines } = await client();
  send('{"id":1,"protocol":1,"call":"cleanup","params":{"timeout":50}}\n{"id":2,"protocol":1,"call":"clea');
  send('nup","params":{"timeout":1}}\nnonsense\n');
  expect(await next(lines)).toMatchObject({ id: 0, error: { code: 'USAGE' } });
  expect(await next(lines)).toMatchObject({ id: 2, ok: { ms: 1 } });
  expect(await next(lines)).toMatchObject({ id: 1, ok: { ms: 50 } });
});

test('a line that never ends is refused and the connection closed; others continue', async () => {
  const { send, lines, socket: connection } = await client();
  const other = await client();
  send('x'.repeat(SERVICE_REQUEST_BYTES + 1));
  expect(await next(lines)).toMatchObject({ id: 0, error: { code: 'USAGE' } });
  if (!connection.closed) await once(connection, 'close');
  other.send('{"id":1,"protocol":1,"call":"ping"}\n');
  expect(await next(other.lines)).toMatchObject({ id: 1, ok: { pid: 1 } });
});

test('errors arrive with their code; what has none is INTERNAL; silence ends at the deadline', async () => {
  const who = { service: 'a', socket };
  await expect(askService(who, 'start', { timeout: null })).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  await expect(askService(who, 'describe', {})).rejects.toMatchObject({ code: 'INTERNAL' });
  await expect(askService(who, 'status', {}, 50)).rejects.toMatchObject({
    code: 'SERVICE_UNREACHABLE',
    params: { how: 'silent' },
  });
  await expect(askService({ service: 'a', socket: join(folder, 'none.sock') }, 'ping', {})).rejects.toMatchObject({
    params: { how: 'absent' },
  });
  await expect(askService({ service: 'a', socket: '/nowhere/x.sock' }, 'ping', {})).rejects.toMatchObject({
    params: { how: 'absent' },
  });
});

test('the socket is ours alone, and a folder that others may write to is not trusted', async () => {
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  chmodSync(folder, 0o777);
  await expect(askService({ service: 'a', socket }, 'ping', {})).rejects.toMatchObject({ code: 'HOME_UNSAFE' });
  chmodSync(folder, 0o700);
});

test('closing ends clients that keep their end open', async () => {
  const { socket: connection } = await client();
  const closed = once(connection, 'close');
  await server.close();
  await closed;
});

test('where the home’s path is too long for a socket, it lies elsewhere, and is found all the same', async () => {
  await using world = await programWorld();
  const home = join(world.home, 'x'.repeat(100));
  mkdirSync(world.home, { mode: 0o700 });
  const runtime = join(world.folder, 'rt');
  mkdirSync(runtime, { mode: 0o700 });
  const env = { REEVE_HOME: home, XDG_RUNTIME_DIR: runtime };
  const program = world.start(
    "class A extends sdk.ManagedService { constructor() { super('a'); } async run() { await this.ready(); say('ready'); await this.untilStopped(); } } await A.main();",
    { env },
  );
  await program.said('ready');
  const found = await discoverService('a', { home, cwd: world.folder });
  expect(found?.card.socket).toMatch(
    new RegExp(`^/tmp/reeve-${process.getuid?.()}-[0-9a-f]{8}/${found?.card.id}\\.sock$`),
  );
  expect(await found?.status()).toMatchObject({ pid: program.pid });
});

test('what lies in the run folder and is not a card is passed over', () => {
  const card = { format: 1, id: '0123456789ab', project: 'p', folder: '/p', service: 'a', pid: 7 };
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  write('0123456789ab.json', JSON.stringify(card));
  write('aaaaaaaaaaaa.json', JSON.stringify(card)); // under another's name
  write('bbbbbbbbbbbb.json', '{"format":1,');
  write('cccccccccccc.json', JSON.stringify({ ...card, id: 'cccccccccccc', format: 2 }));
  write('control.json', JSON.stringify(card));
  mkdirSync(join(folder, 'dddddddddddd.json'));
  expect(listCards(folder).map(({ id }) => id)).toEqual(['0123456789ab']);
});
