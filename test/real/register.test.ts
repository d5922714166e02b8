import { existsSync } from 'node:fs';
import path from 'node:path';
import type { PsView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { startByHand } from '../harness/by-hand.ts';
import { startReeve } from '../harness/reeve.ts';

test('a registered process is shown, stopped and forgotten; with no daemon at all', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  reeve.project({ project: 'shop', services: {} });
  await using other = startByHand(reeve, [...reeve.program('http-server'), `port=${port}`]);
  const args = ['register', 'nightly', '--pid', String(other.pid), '--port', String(port), '--cleanup', 'touch swept'];
  const registered = await reeve.json<{ registrations: readonly object[] }>([...args, '--data', '{"v":1}']);
  expect(registered.registrations).toEqual([
    { name: 'nightly', project: 'shop', pid: other.pid, file: expect.stringContaining(`${reeve.home}/announce/`) },
  ]);
  const [service] = (await reeve.json<PsView>(['ps'])).services;
  expect(service).toMatchObject({
    name: 'nightly',
    managed_by: 'registered',
    state: 'running',
    pid: other.pid,
    data: { v: 1 },
  });
  expect((await reeve.run(['cleanup', '--all'])).code).toBe(0);
  // It ends in order when it is asked to.
  expect(await other.ended).toBe(0);
  expect(existsSync(path.join(reeve.folder, 'swept'))).toBe(true);
  expect((await reeve.json<PsView>(['ps'])).services[0]).toMatchObject({ state: 'stopped', pid: null });
  expect((await reeve.run(['unregister', 'nightly'])).code).toBe(0);
  expect((await reeve.json<PsView>(['ps'])).services).toEqual([]);
  expect((await reeve.run(['unregister', 'nightly'])).code).toBe(4);
});

test('a name that another live process has is refused with its pid; the same process may be registered again', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: {} });
  await using one = startByHand(reeve, [...reeve.program('stays')]);
  await using two = startByHand(reeve, [...reeve.program('stays')]);
  expect((await reeve.run(['register', 'job', '--pid', String(one.pid)])).code).toBe(0);
  expect((await reeve.run(['register', 'job', '--pid', String(one.pid), '--description', 'x'])).code).toBe(0);
  const refused = await reeve.run(['register', 'job', '--pid', String(two.pid)]);
  expect(refused.code).toBe(5);
  expect(refused.stderr).toContain(String(one.pid));
});

test.each([
  [['register'], 2],
  [['register', 'a b', '--pid', '1'], 2],
  [['register', 'x', '--pid', '1'], 2],
  [['register', 'x', '--pid', '-5'], 2],
  [['register', 'x', '--pid', '4194000'], 4],
  [['register', 'x', '--port', '70000'], 2],
  [['register', 'x', '--data', '[]'], 2],
])('%j is refused with exit code %i', async (args, code) => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: {} });
  expect((await reeve.run(args)).code).toBe(code);
});
