import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import type { KeeperMessage } from '@reeve/contract';
import { LineSplitter } from '@reeve/host';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { TestKeeper } from '../../../../test/harness/keeper.ts';

let keeper: TestKeeper;
let socket: Socket;
beforeAll(async () => {
  keeper = await TestKeeper.start();
});
beforeEach(async () => {
  socket = connect(path.join(keeper.home, 'run', 'keeper.sock'));
  await once(socket, 'connect');
});
afterEach(async () => {
  socket.destroy();
  await keeper.connect(); // the peer of this test may have taken over
});
afterAll(() => keeper[Symbol.asyncDispose]());

/** Sends text and gives back so many messages. */
async function say(text: string, count = 1): Promise<KeeperMessage[]> {
  const splitter = new LineSplitter(1 << 20);
  const messages: KeeperMessage[] = [];
  const all = new Promise<KeeperMessage[]>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      messages.push(...splitter.push(chunk).map((line) => JSON.parse(line) as KeeperMessage));
      if (messages.length >= count) resolve(messages);
    });
    socket.once('close', () => reject(new Error('closed')));
  });
  socket.write(text);
  return all;
}
const hello = '{"id":1,"do":"hello","protocol":1,"since":0}\n';

test('rubbish gets a refusal, and the connection stays', async () => {
  const text = `rubbish\n\n{"id":4}\n{"id":5,"do":"fly"}\n${hello}`;
  const answers = await say(text, 5);
  expect(answers.map((answer) => 'error' in answer && [answer.id, answer.error.code])).toEqual([
    [-1, 'BAD_REQUEST'],
    [-1, 'BAD_REQUEST'],
    [4, 'BAD_REQUEST'],
    [5, 'BAD_REQUEST'],
    false,
  ]);
  expect(answers[4]).toMatchObject({ id: 1, ok: { protocol: 1, pid: keeper.link.pid, version: 'test' } });
});

test('another protocol is refused, and so is work before the greeting', async () => {
  const answers = await say('{"id":1,"do":"hello","protocol":2,"since":0}\n{"id":2,"do":"leave"}\n', 2);
  expect(answers).toMatchObject([
    { id: 1, error: { code: 'PROTOCOL', message: expect.stringContaining('protocol 1') } },
    { id: 2, error: { code: 'PROTOCOL' } },
  ]);
});

test('a line without end is refused and cut off, and the keeper lives', async () => {
  const closed = once(socket, 'close');
  const answer = say('');
  const block = Buffer.alloc(1 << 20, 'x');
  for (let n = 0; n < 17; n += 1) socket.write(block);
  expect(await answer).toMatchObject([{ id: -1, error: { code: 'BAD_REQUEST' } }]);
  socket.end();
  await closed;
  expect((await keeper.run(['true'])).ended.exit.code).toBe(0);
});

test('a run that is not known, and one that is there twice', async () => {
  const { run } = await keeper.run(['true']);
  const spawn = JSON.stringify({ id: 3, do: 'spawn', spawn: keeper.request(['true'], { run }) });
  const messages = await say(`${hello}{"id":2,"do":"release","run":"nobody"}\n${spawn}\n`, 5);
  const replies = messages.filter((message) => 'id' in message);
  expect(replies[1]).toMatchObject({ id: 2, error: { code: 'UNKNOWN_RUN' } });
  const later = replies.find((reply) => reply.id === 3) ?? (await say('', 1))[0];
  expect(later).toMatchObject({ id: 3, error: { code: 'BAD_REQUEST', message: expect.stringContaining(run) } });
});

test('a peer that breaks off in the middle of a request does no harm', async () => {
  socket.write('{"id":2,"do":"spa');
  socket.destroy();
  expect((await keeper.run(['true'])).ended.exit.code).toBe(0);
});
