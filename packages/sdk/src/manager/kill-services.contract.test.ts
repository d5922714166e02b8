import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../../test/harness/until.ts';
import { type ProgramWorld, programWorld } from '../test-programs.ts';
import { lookUp } from './found-process.ts';
import { hunt } from './hunt.ts';
import { killPattern, killScript, killService, listServices } from './kill-services.ts';
import { startServiceSafe } from './start-safe.ts';

let world: ProgramWorld;
const strangers: number[] = [];
beforeEach(async () => {
  world = await programWorld();
});
afterEach(async () => {
  for (const pid of strangers.splice(0)) if (lookUp(pid)) process.kill(pid, 'SIGKILL');
  await world[Symbol.asyncDispose]();
});

const service = (name: string) => `
  class A extends sdk.ManagedService { constructor() { super('${name}'); } async run() { this.register({ port: 7, version: 1 }); await this.ready(); say('ready'); await this.untilStopped(); } }
  await A.main();`;

/** Not below this test: its parent ends at once. */
async function stranger(file: string): Promise<number> {
  const child = spawn('sh', ['-c', 'setsid "$0" "$1" >/dev/null 2>&1 & echo $!', process.execPath, file], {
    cwd: world.folder,
  });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  await once(child, 'exit');
  const pid = Number(text);
  strangers.push(pid);
  await until('it runs', () => lookUp(pid)?.command.includes(file));
  return pid;
}
function script(name: string): string {
  const file = join(world.folder, name);
  writeFileSync(file, 'setInterval(() => {}, 1e6);');
  return file;
}

test('services that run by themselves are listed, hunted by name, and ended by name', async () => {
  const name = `hunted-${process.pid}`; // of this test alone: others on the machine may run a web-editor
  const program = world.start(service(name));
  await program.said('ready');
  expect(await listServices(world.at)).toEqual([
    {
      name,
      project: 'shop',
      state: 'running',
      pid: program.pid,
      ready: true,
      health: 'unknown',
      ports: [7],
      data: { port: 7, version: 1 },
      managedBy: 'self',
    },
  ]);
  expect(await hunt(name, world.at)).toMatchObject([
    { pid: program.pid, ours: true, project: 'shop', service: name, foundBy: expect.arrayContaining(['name']) },
  ]);
  expect(await killService(name, world.at)).toMatchObject({
    ok: true,
    reason: 'done',
    processes: [{ pid: program.pid, left: null }],
  });
  expect(await killService(name, world.at)).toMatchObject({ ok: false, reason: 'not_found' });
  expect((await program.ended).code).toBe(0);
  // U22: its row stays, as that of one that was killed does.
  expect(await listServices(world.at)).toMatchObject([
    { name, state: 'stopped', pid: null, ready: false, managedBy: 'self' },
  ]);
});

test('one that was killed is listed as stale', async () => {
  const program = world.start(service('web-editor'));
  await program.said('ready');
  program.child.kill('SIGKILL');
  await program.ended;
  expect(await listServices(world.at)).toMatchObject([
    { name: 'web-editor', state: 'stopped', pid: null, ready: false, managedBy: 'stale' },
  ]);
});

test('a foreign program is ended by its script or a pattern only with force; what is not meant stays', async () => {
  const file = script('hard-to-guess-7313.mjs');
  copyFileSync(file, join(world.folder, 'other-7313.mjs'));
  const pid = await stranger('hard-to-guess-7313.mjs');
  const other = await stranger('other-7313.mjs');
  const found = await hunt('hard-to-guess-7313', world.at);
  expect(found).toMatchObject([{ pid, ours: false, foundBy: ['command'] }]);
  expect(await killScript(file, world.at)).toMatchObject({ ok: false, reason: 'not_permitted', processes: [] });
  expect(await killPattern(/HARD-to-guess-\d+/i, world.at)).toMatchObject({ ok: false, reason: 'not_permitted' });
  expect(lookUp(pid)).not.toBeNull();
  expect(await killScript('hard-to-guess-7313.mjs', { ...world.at, force: true })).toMatchObject({
    ok: true,
    processes: [{ pid }],
  });
  expect(lookUp(other)).not.toBeNull();
  expect(await killPattern(/OTHER-7\d13\.mjs/i, { ...world.at, force: true })).toMatchObject({
    ok: true,
    processes: [{ pid: other }],
  });
  expect(await killPattern('other-7313', world.at)).toMatchObject({ ok: false, reason: 'not_found' });
});

test('a pattern that matches nothing in particular is refused', async () => {
  await expect(killPattern('', world.at)).rejects.toThrow('every process');
  await expect(killPattern('(', world.at)).rejects.toThrow('not a pattern');
  await expect(hunt('', world.at)).rejects.toThrow('nothing to search for');
});

test('startServiceSafe starts a command once, also when two start it at once, and names the copy that runs', async () => {
  script('once-7313.mjs');
  const command = [process.execPath, 'once-7313.mjs'];
  const results = await Promise.all([startServiceSafe(command, world.at), startServiceSafe(command, world.at)]);
  const started = results.find(({ ok }) => ok);
  strangers.push(started?.pid ?? 0);
  expect(results.filter(({ ok }) => ok)).toHaveLength(1);
  expect(results.find(({ ok }) => !ok)).toMatchObject({ reason: 'already_running', pid: started?.pid });
  const text = await startServiceSafe(`${process.execPath} once-7313.mjs`, world.at);
  expect(text).toMatchObject({ ok: false, pid: started?.pid });
  const anyway = await startServiceSafe(command, { ...world.at, checkExisting: false });
  strangers.push(anyway.pid ?? 0);
  expect(anyway).toMatchObject({ ok: true });
  expect(anyway.pid).not.toBe(started?.pid);
  expect(await startServiceSafe(['/nowhere/at/all'], world.at)).toMatchObject({ ok: false, reason: 'failed' });
});

test('startServiceSafe sees a copy that has given itself a title', async () => {
  const program = world.start(service('web-editor'));
  await program.said('ready');
  const again = await startServiceSafe(['node', ...program.child.spawnargs.slice(1)], world.at);
  expect(again).toMatchObject({ ok: false, reason: 'already_running', pid: program.pid });
});

test('U24: startServiceSafe knows a copy behind a shim, by what runs and not by how it was called', async () => {
  writeFileSync(join(world.folder, 'svc-2424.mjs'), 'setInterval(() => {}, 1e6); // no title\n');
  const shim = join(world.folder, 'shim');
  writeFileSync(shim, `#!/bin/sh\nexec ${process.execPath} --no-warnings "$@"\n`, { mode: 0o755 });
  const first = await startServiceSafe([shim, 'svc-2424.mjs'], world.at);
  expect(first).toMatchObject({ ok: true });
  const { pid } = first;
  strangers.push(pid ?? 0);
  await until('the shim has become the program', () => commandOf(pid).includes('--no-warnings'));
  for (const command of [[shim, 'svc-2424.mjs'], `${shim} svc-2424.mjs`])
    expect(await startServiceSafe(command, world.at)).toMatchObject({ ok: false, reason: 'already_running', pid });
  const plain = await startServiceSafe([process.execPath, 'svc-2424.mjs'], world.at);
  strangers.push(plain.pid ?? 0);
  expect(plain).toMatchObject({ ok: true });
  for (const words of [
    ['node', join(world.folder, 'svc-2424.mjs')],
    ['/usr/bin/env', 'X=1', 'node', 'svc-2424.mjs'],
  ])
    expect(await startServiceSafe(words, world.at)).toMatchObject({ reason: 'already_running', pid: plain.pid });
});

function commandOf(pid: number | null): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}
