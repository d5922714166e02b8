import type { PsView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { startByHand } from '../harness/by-hand.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';

/** A managed project whose service does not run. */
async function managed(reeve: TestReeve, guard?: string): Promise<void> {
  const command = [...reeve.program('announces', JSON.stringify({ service: 'web-editor' }))];
  reeve.project({ project: 'shop', ...(guard ? { guard } : {}), services: { 'web-editor': { command } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  expect((await reeve.run(['stop'])).code).toBe(0);
}
const service = async (reeve: TestReeve) => (await reeve.json<PsView>(['ps'])).services[0];

test('guard: warn, the default: it runs, warns, and is shown as started manually', async () => {
  await using reeve = startReeve();
  await managed(reeve);
  await using web = startByHand(reeve, { service: 'web-editor' });
  await web.open();
  expect(web.output()).toContain('managed by reeve (project shop)');
  expect(await service(reeve)).toMatchObject({ pid: web.pid, managed_by: 'announced' });
});

test('guard: refuse: it does not start, and says what to do', async () => {
  await using reeve = startReeve();
  await managed(reeve, 'refuse');
  await using web = startByHand(reeve, { service: 'web-editor' });
  expect(await web.ended).toBe(7);
  expect(web.output()).toContain('reeve up web-editor');
  expect(await service(reeve)).toMatchObject({ state: 'stopped', pid: null });
});

test('guard: redirect: reeve up starts it, and the one started manually ends with 0; with no daemon, too', async () => {
  await using reeve = startReeve();
  await managed(reeve, 'redirect');
  expect((await reeve.run(['daemon', 'stop'])).code).toBe(0);
  await using web = startByHand(reeve, { service: 'web-editor' });
  expect(await web.ended, web.output()).toBe(0);
  const now = await service(reeve);
  expect(now).toMatchObject({ state: 'running', managed_by: 'config' });
  expect(now?.pid).not.toBe(web.pid);
});

test('after down no service is guarded any more', async () => {
  await using reeve = startReeve();
  await managed(reeve, 'refuse');
  expect((await reeve.run(['down'])).code).toBe(0);
  await using web = startByHand(reeve, { service: 'web-editor' });
  await web.open();
});
