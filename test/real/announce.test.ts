import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PsView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { startByHand } from '../harness/by-hand.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

interface Advertisements {
  readonly announcements: readonly Record<string, unknown>[];
  readonly guide: readonly { readonly kind: string; readonly title: string }[];
  readonly ignored: readonly { readonly file: string; readonly why: string }[];
}

test('a service started manually is shown with title, pid and data, with no daemon and with one', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  reeve.project({ project: 'shop', services: { db: { command: [...reeve.program('stays')] } } });
  await using web = startByHand(reeve, { service: 'web-editor', port, data: { version: '1.2.0' } });
  await web.open();
  const shown = {
    name: 'web-editor',
    title: 'shop-web-editor',
    state: 'running',
    ready: true,
    pid: web.pid,
    data: { port, version: '1.2.0' },
    managed_by: 'announced',
  };
  const before = await reeve.json<PsView>(['ps']);
  expect(before.daemon.running).toBe(false);
  expect(before.services.find(({ name }) => name === 'web-editor')).toMatchObject(shown);
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const after = await reeve.json<PsView>(['ps']);
  expect(after.daemon.running).toBe(true);
  expect(after.services.find(({ name }) => name === 'web-editor')).toMatchObject(shown);
  expect((await reeve.run(['status', 'web-editor'])).code).toBe(0);
  web.kill();
  await web.ended;
  const { services } = await reeve.json<PsView>(['ps']);
  expect(services.find(({ name }) => name === 'web-editor')).toMatchObject({ state: 'stopped', pid: null });
});

test('up takes over what was started manually: it is ended in order, and there is never a second copy', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  const command = [...reeve.program('announces', JSON.stringify({ service: 'web-editor', port }))];
  reeve.project({ project: 'shop', services: { 'web-editor': { command, ports: [port] } } });
  await using web = startByHand(reeve, { service: 'web-editor', port });
  await web.open();
  const plan = await reeve.json<{ services: readonly { action: string; reason: string }[] }>(['up', '--dry-run']);
  expect(plan.services[0]).toMatchObject({
    action: 'start',
    reason: expect.stringContaining(`takes over pid ${web.pid}`),
  });
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(0);
  expect(up.stderr).toContain(`started manually (pid ${web.pid})`);
  expect(await web.ended).toBe(0);
  const [service] = (await reeve.json<PsView>(['ps'])).services;
  expect(service).toMatchObject({ managed_by: 'config', state: 'running', restarts: 0, title: 'shop-web-editor' });
  expect(service?.pid).not.toBe(web.pid);
});

test('a copy that is only known by its pid is not touched: up says so with exit code 5', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: { web: { command: [...reeve.program('stays')] } } });
  await using other = startByHand(reeve, [...reeve.program('stays')]);
  drop(reeve.home, 'web.json', { name: 'web', folder: reeve.folder, project: 'shop', pid: other.pid });
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(5);
  expect(up.stderr).toContain('announced by pid alone');
  expect((await reeve.run(['stop'])).code).toBe(6);
  other.kill();
  await other.ended;
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
});

test('S25: rubbish in the folders is passed over and told, and no escape sequence reaches the terminal', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: {} });
  const run = path.join(reeve.home, 'run');
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const id = (n: number): string => path.join(run, `${String(n).padStart(12, '0')}.json`);
  writeFileSync(id(1), '{ broken');
  writeFileSync(id(2), Buffer.alloc(10 << 20, 0x20));
  symlinkSync('/etc/passwd', id(3));
  writeFileSync(id(4), '{}', { mode: 0o666 });
  chmodSync(id(4), 0o666);
  mkdirSync(id(5));
  const hostile = '\u001b[2J\u001b]0;owned\u0007';
  drop(reeve.home, 'bad.json', {
    name: 'nightly',
    folder: reeve.folder,
    description: hostile,
    title: hostile,
    pid: process.pid,
    data: { x: hostile },
    ports: ['x', -1, { port: 1e9 }],
    cleanup: `echo ${hostile}`,
  });
  drop(reeve.home, 'name.json', { name: `a${hostile}`, folder: reeve.folder });
  const said = await reeve.json<Advertisements>(['advertisements']);
  expect(said.announcements.map(({ name }) => name)).toEqual(['nightly']);
  expect(said.ignored).toHaveLength(6);
  for (const args of [['advertisements'], ['ps'], ['ps', '--all'], ['status', 'nightly']]) {
    const { stdout, stderr } = await reeve.run(args);
    expect(stdout, args.join(' ')).toContain('nightly');
    expect(`${stdout}${stderr}`, args.join(' ')).not.toMatch(/\u001b\[2J|\u001b\]0|\u0007/);
  }
});

test('a shell script announces by a file; it is live while its process is, and a recycled pid is not it', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: {} });
  const script = `read -r _ _ rest < /proc/self/stat
tick=$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)
mkdir -p "$REEVE_HOME/announce"
echo "{\\"name\\":\\"nightly\\",\\"folder\\":\\"$PWD\\",\\"pid\\":$$,\\"start_tick\\":$tick,\\"ports\\":[9],\\"cleanup\\":\\"true\\"}" > "$REEVE_HOME/announce/nightly.json"
echo "open $$"; : ${'mark'}; sleep 600 & wait`;
  await using shell = startByHand(reeve, ['sh', '-c', script, ...reeve.program('stays').slice(-1)]);
  await shell.open();
  const [row] = (await reeve.json<Advertisements>(['advertisements'])).announcements;
  expect(row).toMatchObject({
    name: 'nightly',
    origin: 'file',
    liveness: 'live',
    identity: 'verified',
    pid: shell.pid,
  });
  expect((await reeve.run(['stop', 'nightly'])).code).toBe(0);
  await shell.ended;
  const [after] = (await reeve.json<Advertisements>(['advertisements'])).announcements;
  expect(after).toMatchObject({ liveness: 'stale' });
});

test('advertisements is the guide: what differs from the config, and the next step of who does not announce', async () => {
  await using reeve = startReeve();
  const [port, other] = [await reeve.port(), await reeve.port()];
  reeve.project({
    project: 'shop',
    services: {
      'web-editor': { command: 'sleep 1', ports: [other] },
      db: { command: 'sleep 1' },
      job: { command: 'sleep 1', cleanup: { command: 'rm -f x' }, capabilities: ['BATCH'] },
    },
  });
  await using web = startByHand(reeve, { service: 'web-editor', port, cleanup: 'done', capabilities: ['EDITOR'] });
  await web.open();
  const { announcements, guide } = await reeve.json<Advertisements>(['advertisements']);
  expect(announcements).toEqual([
    expect.objectContaining({
      name: 'web-editor',
      origin: 'library',
      liveness: 'live',
      cleanup: 'method',
      capabilities: ['PROCESS_MANAGER', 'EDITOR'],
      ports: [{ name: null, port, protocol: 'tcp', listening: true }],
      differences: expect.arrayContaining([expect.stringContaining(`announces port ${port}`)]),
    }),
    expect.objectContaining({ name: 'job', origin: 'config', liveness: 'declared', cleanup: 'rm -f x' }),
  ]);
  expect(guide.filter(({ kind }) => kind === 'next').map(({ title }) => title)).toEqual([
    'shop/db does not announce yet',
  ]);
  expect(guide.filter(({ kind }) => kind === 'validation')).toHaveLength(2);
  expect(guide[0]?.kind).toBe('pattern');
});

test('the daemon takes announcements in, and tells of their beginning and end as events', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: { db: { command: [...reeve.program('stays')] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  await using web = startByHand(reeve, { service: 'web-editor' });
  await web.open();
  const events = async (): Promise<readonly string[]> =>
    (await reeve.run(['events', '--all', '--json'])).jsonLines().map((each) => (each as { event: string }).event);
  await until('it is known', async () => (await events()).includes('service.announced'));
  web.kill('SIGTERM');
  expect(await web.ended).toBe(0);
  await until('its end is known', async () => (await events()).includes('service.announced_end'));
});

test('a service in any language announces by X_REEVE_* keys; its clean-up runs after its stop', async () => {
  await using reeve = startReeve();
  const orders = reeve.file(
    'orders',
    'send READY=1\\nX_REEVE_PORTS=9\\nX_REEVE_DEPENDS=db\\nX_REEVE_CAPABILITIES=A,B\\nX_REEVE_CLEANUP=touch swept\\nX_REEVE_DATA={"v":1}\n',
  );
  const command = [...reeve.program('notifier', `orders=${orders}`)];
  reeve.project({ project: 'shop', services: { py: { command, ready: 'notify' } } });
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(0);
  const { announcements } = await reeve.json<Advertisements>(['advertisements']);
  expect(announcements).toEqual([
    expect.objectContaining({
      name: 'py',
      origin: 'notify',
      capabilities: ['A', 'B'],
      dependencies: ['db'],
      cleanup: 'touch swept',
      differences: expect.arrayContaining(['announces dependency db: not in `depends_on` of the config']),
    }),
  ]);
  expect((await reeve.json<PsView>(['ps'])).services[0]?.data).toEqual({ v: 1 });
  const stop = await reeve.run(['stop', '--json']);
  expect(stop.json()).toMatchObject({ status: 'COMPLETE', clean_ups: [{ service: 'py', outcome: 'done' }] });
  expect(existsSync(path.join(reeve.folder, 'swept'))).toBe(true);
});

function drop(home: string, name: string, content: object): void {
  mkdirSync(path.join(home, 'announce'), { recursive: true, mode: 0o700 });
  writeFileSync(path.join(home, 'announce', name), JSON.stringify(content), { mode: 0o600 });
}
