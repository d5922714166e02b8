import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { readStat, type Stat } from '@reeve/host';
import { expect, onTestFinished, test } from 'vitest';
import { socketTable } from './held-ports.ts';
import { RunListening } from './run-listening.ts';

/** Listens in this process, which plays the service. */
async function listen(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function run(isMain: boolean) {
  const itself = [readStat(process.pid)].filter((stat): stat is Stat => stat !== null);
  const looks: string[] = [];
  const listening = new RunListening(socketTable(), {
    near: () => {
      looks.push('near');
      return isMain ? itself : [];
    },
    all: () => {
      looks.push('all');
      return Promise.resolve({ members: itself, others: [] });
    },
  });
  return { listening, looks };
}

test('D5: while nothing listens on its ports no process is looked at', async () => {
  const { listening, looks } = run(true);
  expect(await listening.look([1, 2, 3])).toEqual([]);
  expect(looks).toEqual([]);
});

test('D5: of a service whose main process listens no other process is read, and that one once', async () => {
  const ports = [await listen(), await listen()];
  const { listening, looks } = run(true);
  const own = ports.map((port) => ({ port, address: '127.0.0.1', holder: 'run' }));
  for (let n = 0; n < 3; n++) expect(new Set(await listening.look(ports))).toEqual(new Set(own));
  expect(looks).toEqual(['near']);
});

test('D5: a listener that is not among the nearest is looked for once', async () => {
  const port = await listen();
  const { listening, looks } = run(false);
  for (let n = 0; n < 3; n++)
    expect(await listening.look([port])).toEqual([{ port, address: '127.0.0.1', holder: 'run' }]);
  expect(looks).toEqual(['near', 'all']);
});
