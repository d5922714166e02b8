import { expect, test } from 'vitest';
import { copiesOf } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';

async function attached(reeve: TestReeve, ...words: readonly string[]) {
  reeve.project({
    services: {
      db: { command: [...reeve.program('stays', 'name=db')], ready: { log: 'ready' } },
      api: { command: [...reeve.program('stays', 'name=api')], ready: { log: 'ready' }, depends_on: ['db'] },
    },
  });
  const client = reeve.start(['up', '--attach', ...words]);
  await client.line(/Ctrl-C stops/);
  return client;
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'U3: %s stops everything, shows the last lines and the receipt, and says 130',
  async (signal) => {
    await using reeve = startReeve();
    const client = await attached(reeve);
    await client.line(/api +ready \d/);
    client.signal(signal);
    const { code, stdout } = await client.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/api +goodbye/);
    expect(stdout).toMatch(/COMPLETE .*2 services/);
    expect(copiesOf(reeve, 'name=')).toEqual([]);
  },
);

test('with names only these are stopped, and it says so', async () => {
  await using reeve = startReeve();
  const client = await attached(reeve, 'api');
  await client.line(/Ctrl-C stops api/);
  client.signal('SIGINT');
  const { code, stdout } = await client.ended;
  expect(code).toBe(130);
  expect(stdout).toMatch(/COMPLETE .*1 service,/);
  expect((await reeve.run(['status', 'db'])).code).toBe(0);
  expect((await reeve.run(['status', 'api'])).code).toBe(3);
});

test.each(['SIGHUP', 'SIGKILL'] as const)('%s of the client leaves everything running', async (signal) => {
  await using reeve = startReeve();
  const client = await attached(reeve);
  client.signal(signal);
  await client.ended;
  expect((await reeve.run(['status', 'db'])).code).toBe(0);
  expect((await reeve.run(['status', 'api'])).code).toBe(0);
  expect(copiesOf(reeve, 'name=')).toHaveLength(2);
});

test('it continues over a restart, and ends by itself when everything was stopped by another', async () => {
  await using reeve = startReeve();
  const client = await attached(reeve);
  expect((await reeve.run(['restart', 'api'])).code).toBe(0);
  await client.line(/api +goodbye/);
  expect((await reeve.run(['stop'])).code).toBe(0);
  const { code, stderr } = await client.ended;
  expect(stderr).toContain('everything has ended');
  expect(code).toBe(0);
});
