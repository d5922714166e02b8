import { readdirSync } from 'node:fs';
import path from 'node:path';
import { discoverService, killService, listServices } from '@reeve/sdk';
import { expect, test } from 'vitest';
import { startByHand } from '../harness/by-hand.ts';
import { startReeve } from '../harness/reeve.ts';

const sdk = path.resolve(import.meta.dirname, '../../packages/sdk/dist/index.js');

const service = `
import { ManagedService } from ${JSON.stringify(sdk)};
class WebEditor extends ManagedService {
  constructor() {
    super('web-editor');
  }
  async run() {
    this.register({ version: '1.2.0' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await this.ready();
    await this.untilStopped();
  }
}
await WebEditor.main();
`;

test('U22: listServices says self of a service that was started manually, also when a daemon shows it', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: { db: { command: [...reeve.program('stays')] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await using web = startByHand(reeve, { service: 'web-editor' });
  await web.open();
  expect(await listServices({ home: reeve.home, cwd: reeve.folder })).toMatchObject([
    { name: 'db', managedBy: 'daemon' },
    { name: 'web-editor', managedBy: 'self', pid: web.pid, state: 'running' },
  ]);
});

test('a library service under the daemon tells it when it is ready, and is the same service in every view', async () => {
  await using reeve = startReeve();
  const file = reeve.file('web-editor.mjs', service);
  reeve.project({
    project: 'shop',
    services: { 'web-editor': { command: [process.execPath, file], ready: 'notify' } },
  });
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(0);
  const { services } = await reeve.json<{ services: { pid: number; state: string; instances: { run: string }[] }[] }>([
    'ps',
  ]);
  const [view] = services;
  expect(view).toMatchObject({ state: 'running', ready: true });
  const at = { home: reeve.home, cwd: reeve.folder };
  const found = await discoverService('web-editor', at);
  expect(found).toMatchObject({ live: true, pid: view?.pid, project: 'shop' });
  expect(found?.card).toMatchObject({
    ready: true,
    title: 'shop-web-editor',
    run: view?.instances[0]?.run,
    data: { version: '1.2.0' },
  });
  expect(await listServices(at)).toMatchObject([{ name: 'web-editor', managedBy: 'daemon', pid: view?.pid }]);

  // By hand it is the second, wherever in the project it is started.
  const second = await reeve.run(['exec', 'web-editor', process.execPath, file]);
  expect(second.code).toBe(5);
  expect(second.stderr).toContain(`web-editor is already running in shop (pid ${view?.pid})`);

  expect(await killService('web-editor', at)).toMatchObject({ ok: true, reason: 'done' });
  const after = await reeve.json<{ services: { state: string; intent: string }[] }>(['ps']);
  expect(after.services).toMatchObject([{ state: 'stopped', intent: 'down' }]);
  expect(await discoverService('web-editor', at)).toBeNull();
  expect(readdirSync(path.join(reeve.home, 'run')).filter((name) => name.startsWith('.'))).toEqual([]);
});
