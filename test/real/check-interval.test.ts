import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { serviceOf } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const INTERVAL = 600;

interface Counted {
  readonly address: string;
  /** How many connections it has had. */
  readonly count: () => number;
}

async function counted(server: Server): Promise<Counted> {
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, count: () => connections };
}

/** When the service's health was answered so far, by the daemon's clock. The newest 20 are kept. */
async function answersOf(reeve: TestReeve, name: string): Promise<readonly number[]> {
  const [instance] = (await serviceOf(reeve, name)).instances;
  return (instance?.health_history ?? []).map(({ at }) => Date.parse(at));
}

test('U12: a running service meets one connection an interval: from the one that made it ready on, and whatever it answers', async () => {
  await using reeve = startReeve();
  const greets = await counted(createServer((socket) => socket.on('error', () => undefined).end('220 hello\r\n')));
  let asked = 0;
  const flaps = await counted(
    createHttp((_, response) => {
      asked += 1;
      response.writeHead(asked % 2 === 1 ? 200 : 500).end();
    }),
  );
  const health = { retries: 3, successes: 2, start_period: 0 };
  const command = [...reeve.program('stays')];
  reeve.project({
    services: {
      greets: { command, ready: { tcp: greets.address }, health: { tcp: greets.address, ...health, interval: '10s' } },
      flaps: { command, health: { http: `http://${flaps.address}/`, ...health, interval: `${INTERVAL}ms` } },
    },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  // The connection that made it ready is an answer too, and there is no other.
  await until('every connection of greets is an answer', async () => {
    const before = greets.count();
    return (await answersOf(reeve, 'greets')).length === before && greets.count() === before;
  });
  const answers = await until('flaps has been asked five times', async () => {
    const found = await answersOf(reeve, 'flaps');
    return found.length >= 5 && found;
  });
  const gaps = answers.slice(1).map((at, n) => at - (answers[n] ?? 0));
  // From answer to answer, so a busy machine only makes them longer; a timer may be a millisecond early.
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(INTERVAL - 5);
});
