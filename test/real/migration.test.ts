import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PsView, Receipt, ServiceView } from '@reeve/contract';
import { expect, onTestFinished, test } from 'vitest';
import { type ByHand, startByHand } from '../harness/by-hand.ts';
import { moveMigration } from '../harness/example.ts';
import { isStillThere, lookAt, type SeenProcess } from '../harness/proc-scan.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const root = path.resolve(import.meta.dirname, '../..');
const example = path.join(root, 'examples/migration');
const services = { web: 'node', mailer: 'node', preview: 'node', reports: 'python3' } as const;
type Name = keyof typeof services;

/** A folder called `shop` with one side of the example; what is given as a port replaces the example's own. */
async function shop(reeve: TestReeve, side: 'before' | 'after') {
  const cwd = path.join(reeve.folder, 'shop');
  cpSync(path.join(example, side), cwd, { recursive: true, dereference: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(reeve.folder, 'node_modules'));
  const ports = { web: await reeve.port(), preview: await reeve.port() };
  moveMigration(cwd, ports);
  return { cwd, ...ports };
}

function endedWithTheTest(program: ByHand): ByHand {
  onTestFinished(() => program[Symbol.asyncDispose]());
  return program;
}

const argvOf = (name: Name): readonly string[] => [
  services[name],
  `${name}.${services[name] === 'node' ? 'js' : 'py'}`,
];

async function psOf(reeve: TestReeve, cwd: string): Promise<ReadonlyMap<string, ServiceView>> {
  const { services: views } = await reeve.json<PsView>(['ps'], { cwd });
  return new Map(views.map((view) => [view.name, view]));
}

/** Every process with one of the four titles, or that serves the preview, seen from outside. */
function seenByTitle(reeve: TestReeve): ReadonlyMap<string, readonly SeenProcess[]> {
  const titles = [...Object.keys(services).map((name) => `shop-${name}`), 'http.server'];
  const all = reeve.outside();
  const bearers = (title: string) => all.filter(({ command }) => command.includes(title));
  // A fork that has not become its program yet bears its parent's title. A second copy is never the child of the first.
  const withoutForks = (seen: readonly SeenProcess[]) =>
    seen.filter((one) => !seen.some(({ pid }) => pid === one.parent));
  return new Map(titles.map((title) => [title, withoutForks(bearers(title))]));
}

const isFetched = (port: number, text: string) =>
  fetch(`http://127.0.0.1:${port}/`).then(
    async (answer) => (await answer.text()).includes(text),
    () => false,
  );

test('the four services, started manually with no daemon, are seen, told of and ended; then up takes over with no second copy', async () => {
  await using reeve = startReeve();
  const { cwd, web, preview } = await shop(reeve, 'after');
  const config = readFileSync(path.join(cwd, 'reeve.yaml'), 'utf8');
  rmSync(path.join(cwd, 'reeve.yaml'));
  const byHand = (name: Name): ByHand => endedWithTheTest(startByHand(reeve, argvOf(name), { cwd }));
  const names = Object.keys(services) as Name[];
  const started = new Map(names.map((name) => [name, byHand(name)]));
  const pidOf = (name: Name) => started.get(name)?.pid ?? 0;
  const areReady = async () => {
    const views = await psOf(reeve, cwd).catch(() => new Map<string, ServiceView>());
    return names.every((name) => views.get(name)?.ready) ? views : null;
  };

  // Seen, with no daemon: title, pid, data.
  const views = await until('all four are ready', areReady);
  const data = {
    web: { port: web, version: '1.2.0' },
    mailer: { reads: 'outbox', writes: 'sent' },
    preview: { site: 'site' },
    reports: { writes: 'report.txt', every: 60 },
  };
  for (const name of names) {
    expect(views.get(name)).toMatchObject({
      title: `shop-${name}`,
      pid: pidOf(name),
      data: data[name],
      state: 'running',
      managed_by: 'announced',
    });
    expect(lookAt(pidOf(name), 'started here')?.command).toBe(`shop-${name}`);
  }
  expect(existsSync(path.join(reeve.home, 'reeved.sock'))).toBe(false);

  // They do what they did before.
  writeFileSync(path.join(cwd, 'outbox/hello'), 'dear Ada');
  await until('the mail is sent', () => existsSync(path.join(cwd, 'sent/hello')));
  expect(await isFetched(web, 'welcome')).toBe(true);
  expect(await isFetched(preview, 'as it will be')).toBe(true);
  expect(readFileSync(path.join(cwd, 'report.txt'), 'utf8')).toMatch(/^as of /);
  expect((await reeve.run(['hunt', `:${web}`], { cwd })).stdout).toContain('web');

  // Advertised.
  const { announcements } = await reeve.json<{ announcements: readonly { name: string; live: boolean }[] }>(
    ['advertisements'],
    { cwd },
  );
  expect(announcements.map(({ name }) => name).sort()).toEqual([...names].sort());
  expect(announcements.find(({ name }) => name === 'preview')).toMatchObject({
    capabilities: ['PROCESS_MANAGER'],
    processes: ['python3 -m http.server'],
  });

  // One of each: a second copy ends with the pid of the first.
  const second = byHand('web');
  expect(await second.ended).toBe(5);
  expect(second.output()).toContain(`web is already running in shop (pid ${pidOf('web')})`);

  // Ended by name: asked in order, and looked at.
  const receipt = await reeve.run(['kill', 'mailer', '--json'], { cwd });
  expect(receipt.code, receipt.stderr).toBe(0);
  expect(receipt.json() as Receipt).toMatchObject({ status: 'COMPLETE', survivors: [] });
  expect(await started.get('mailer')?.ended).toBe(0);
  started.set('mailer', byHand('mailer'));

  // Killed the hard way: its next start knows what was left, by mark and not by name.
  const [orphan] = seenByTitle(reeve).get('http.server') ?? [];
  started.get('preview')?.kill();
  await started.get('preview')?.ended;
  expect(orphan && isStillThere(orphan)).toBe(true);
  started.set('preview', byHand('preview'));
  await until('all four are ready again', areReady);
  expect(orphan && isStillThere(orphan)).toBe(false);

  // A config beside them, and up takes over.
  writeFileSync(path.join(cwd, 'reeve.yaml'), config);
  const most = new Map<string, number>();
  const watch = { on: true };
  const watching = (async () => {
    while (watch.on) {
      for (const [title, seen] of seenByTitle(reeve)) most.set(title, Math.max(most.get(title) ?? 0, seen.length));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const up = await reeve.run(['up', '-d'], { cwd });
  watch.on = false;
  await watching;
  expect(up.code, up.stderr + up.stdout).toBe(0);
  for (const name of names) {
    expect(up.stderr).toContain(`${name} was started manually (pid ${pidOf(name)})`);
    expect(await started.get(name)?.ended, started.get(name)?.output()).toBe(0);
  }
  for (const name of names) expect(most.get(`shop-${name}`), name).toBe(1);
  const after = await psOf(reeve, cwd);
  const seen = seenByTitle(reeve);
  for (const name of names) {
    expect(after.get(name)).toMatchObject({
      state: 'running',
      managed_by: 'config',
      restarts: 0,
      title: `shop-${name}`,
      data: data[name],
    });
    expect(seen.get(`shop-${name}`)?.map(({ pid }) => pid)).toEqual([after.get(name)?.pid]);
  }
  expect(seen.get('http.server')).toHaveLength(1);
  expect(await isFetched(web, 'welcome')).toBe(true);
  expect(await isFetched(preview, 'as it will be')).toBe(true);
  expect((await reeve.run(['stop'], { cwd })).code).toBe(0);
  expect([...seenByTitle(reeve).values()].flat()).toEqual([]);
});

test('the Python service that only knows sd_notify says the same of itself under reeve', async () => {
  await using reeve = startReeve();
  const { cwd } = await shop(reeve, 'after');
  const reports = { command: ['python3', 'reports_notify.py'], ready: 'notify' };
  reeve.project({ project: 'shop', services: { reports } }, cwd);
  const up = await reeve.run(['up', '-d'], { cwd });
  expect(up.code, up.stderr).toBe(0);
  expect((await psOf(reeve, cwd)).get('reports')).toMatchObject({
    ready: true,
    data: { writes: 'report.txt', every: 60 },
    status: expect.stringMatching(/^written at /),
  });
  const { announcements } = await reeve.json<{ announcements: readonly object[] }>(['advertisements'], { cwd });
  expect(announcements).toMatchObject([{ name: 'reports', capabilities: ['REPORTS'] }]);
  expect((await reeve.run(['stop'], { cwd })).code).toBe(0);
});

test('the programs as they were before run too', async () => {
  await using reeve = startReeve();
  const { cwd, web, preview } = await shop(reeve, 'before');
  // What preview.sh would do to strangers with these is what the guide is about: here they only note that they were asked.
  const bin = path.join(reeve.folder, 'bin');
  mkdirSync(bin);
  for (const name of ['pkill', 'lsof']) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\necho ${name} "$@" >> asked\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
  const tools = { PATH: `${bin}:${path.dirname(process.execPath)}:${process.env['PATH']}` };
  const started = [['node', 'web.js'], ['node', 'mailer.js'], ['./preview.sh'], ['python3', 'reports.py']].map((argv) =>
    endedWithTheTest(startByHand(reeve, argv, { cwd, env: tools })),
  );
  await until('the page is served', () => isFetched(web, 'welcome'));
  await until('the site is served', () => isFetched(preview, 'as it will be'));
  await until('the outbox is there', () => existsSync(path.join(cwd, 'outbox')));
  writeFileSync(path.join(cwd, 'outbox/hello'), 'dear Ada');
  await until('the mail is sent', () => existsSync(path.join(cwd, 'sent/hello')));
  await until('a report is written', () => existsSync(path.join(cwd, 'report.txt')));
  expect(readFileSync(path.join(cwd, 'asked'), 'utf8')).toBe(`pkill -f http.server ${preview}\nlsof -ti :${preview}\n`);
  expect(readFileSync(path.join(cwd, 'web.pid'), 'utf8')).toBe(String(started[0]?.pid));
  for (const each of started) {
    each.kill('SIGTERM');
    await each.ended;
  }
});

test('the programs for Node are typed as the library says', async () => {
  await using reeve = startReeve();
  const { cwd } = await shop(reeve, 'after');
  cpSync(path.join(example, 'before'), path.join(reeve.folder, 'before'), { recursive: true });
  const compilerOptions = {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    skipLibCheck: false,
  };
  const files = ['web', 'mailer', 'preview'].map((name) => path.join(cwd, `${name}.js`));
  const older = ['web', 'mailer'].map((name) => path.join(reeve.folder, `before/${name}.js`));
  reeve.file('tsconfig.json', JSON.stringify({ compilerOptions, files: [...files, ...older] }));
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  await using checked = startByHand(reeve, [process.execPath, tsc, '-p', '.']);
  expect(await checked.ended, checked.output()).toBe(0);
});
