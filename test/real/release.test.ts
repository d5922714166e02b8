import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { copiesOf } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';
import { keeperOf, kill } from '../harness/victims.ts';
import { Views } from '../harness/views.ts';

interface Status {
  readonly keepers: readonly { readonly runs: number }[];
}

const restarts = async (views: Views) => (await views.services()).reduce((sum, s) => sum + s.restarts, 0);

test('U35: after crash loops and deaths of keepers no ended run is held, and a stop with all services leaves nothing', async () => {
  await using reeve = startReeve();
  await using views = new Views(reeve);
  const restart = { policy: 'always', backoff: '10ms..10ms', limit: 'none' };
  const names = Array.from({ length: 8 }, (_, n) => `s${n}`);
  const services = Object.fromEntries(names.map((name) => [name, { command: ['sh', '-c', 'exit 3'], restart }]));
  reeve.project({ services });
  await reeve.run(['up', '-d', '--no-wait']);
  for (let round = 0; round < 8; round++) {
    const keeper = await until('a keeper is there', () => keeperOf(reeve));
    const before = await restarts(views);
    await until('services are started', async () => (await restarts(views)) > before);
    kill(keeper);
    await until('it is gone', () => !copiesOf(reeve, 'keeper.js').includes(keeper));
  }
  const stop = await reeve.run(['stop']);
  expect(stop.code, stop.stdout).toBe(0);
  await until('nothing is held', async () => {
    const { keepers } = await reeve.json<Status>(['daemon', 'status']);
    return keepers.every(({ runs }) => runs === 0) && keepers.length === 1;
  });
  expect((await reeve.run(['daemon', 'stop', '--with-services'])).code).toBe(0);
  await until('no process is left', () => reeve.outside().length === 0);
  expect(readdirSync(path.join(reeve.home, 'fifo'))).toEqual([]);
  expect(readdirSync(path.join(reeve.home, 'run')).filter((name) => name.endsWith('.sock'))).toEqual([]);
});
