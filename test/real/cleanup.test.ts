import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { environOf } from '@reeve/host';
import { expect, test } from 'vitest';
import { startByHand } from '../harness/by-hand.ts';
import { startReeve } from '../harness/reeve.ts';

interface Row {
  readonly service: string;
  readonly ok: boolean;
  readonly reason: string;
  readonly problems: readonly string[];
}

test('a clean-up that throws, one that hangs, one that leaves the port taken: each on its own line, the others done, exit 6', async () => {
  await using reeve = startReeve();
  const [own, left] = [await reeve.port(), await reeve.port()];
  reeve.project({ project: 'shop', services: {} });
  await using throws = startByHand(reeve, { service: 'throws', cleanup: 'throws' });
  await using hangs = startByHand(reeve, { service: 'hangs', cleanup: 'hangs', cleanup_timeout: 300 });
  await using leaves = startByHand(reeve, { service: 'leaves', cleanup: 'done', leaves_port: left });
  await using fine = startByHand(reeve, { service: 'fine', cleanup: 'done', port: own });
  for (const each of [throws, hangs, leaves, fine]) await each.open();
  const result = await reeve.run(['cleanup', '--all', '--json']);
  expect(result.code, result.stderr).toBe(6);
  const { cleanups, status } = result.json() as { cleanups: readonly Row[]; status: string };
  const row = (name: string): Row | undefined => cleanups.find(({ service }) => service === name);
  expect(status).toBe('INCOMPLETE');
  expect(row('throws')).toMatchObject({ ok: false, reason: 'failed', problems: ['clean-up failed: no such table'] });
  expect(row('hangs')).toMatchObject({ ok: false, reason: 'timed_out' });
  expect(row('leaves')).toMatchObject({ ok: false, reason: 'port_taken' });
  expect(row('leaves')?.problems[0]).toMatch(new RegExp(`port ${left} is still held by .*pid \\d+`));
  expect(row('fine')).toMatchObject({
    ok: true,
    reason: 'done',
    ended: [fine.pid],
    ports: [{ port: own, free: true }],
  });
  expect(fine.output()).toContain('cleaned');
  for (const each of [throws, hangs, leaves, fine]) await each.ended;
  // The listener that was left belongs to no service by then; the test ends it as a person would.
  expect((await reeve.run(['kill', `:${left}`, '--force'])).code).toBe(0);
});

test('in words: a line for each, good and bad; with nothing there it is done', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: {} });
  expect((await reeve.run(['cleanup', '--all'])).code).toBe(0);
  expect((await reeve.run(['cleanup'])).code).toBe(2);
  await using throws = startByHand(reeve, { service: 'throws', cleanup: 'throws' });
  await using fine = startByHand(reeve, { service: 'fine', cleanup: { command: 'echo swept' } });
  for (const each of [throws, fine]) await each.open();
  const { stdout, code } = await reeve.run(['cleanup', '--all']);
  expect(code).toBe(6);
  const lines = stdout.trim().split('\n').sort();
  expect(lines).toHaveLength(2);
  expect(stdout).toMatch(/shop\/throws {2}clean-up failed: no such table/);
  expect(stdout).toMatch(/shop\/fine {2}cleaned up \(swept\), |shop\/fine {2}cleaned up \(swept\); /);
});

test('by name: only that service is cleaned up; an unknown name is exit 4', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: {} });
  await using one = startByHand(reeve, { service: 'one', cleanup: 'done' });
  await using two = startByHand(reeve, { service: 'two', cleanup: 'done' });
  for (const each of [one, two]) await each.open();
  expect((await reeve.run(['cleanup', 'nobody'])).code).toBe(4);
  const { cleanups } = await reeve.json<{ cleanups: readonly Row[] }>(['cleanup', 'one']);
  expect(cleanups).toMatchObject([{ service: 'one', ok: true, reason: 'done', ended: [one.pid] }]);
  expect(two.output()).not.toContain('cleaned');
});

test('a clean-up command that hangs is killed with its children', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: {} });
  const command = `${reeve.program('stays').join(' ')} & ${reeve.program('stays').join(' ')}`;
  await using web = startByHand(reeve, { service: 'web', cleanup: { command }, cleanup_timeout: 400 });
  await web.open();
  const { cleanups } = (await reeve.run(['cleanup', '--all', '--json'])).json() as { cleanups: readonly Row[] };
  expect(cleanups[0]).toMatchObject({ ok: false, reason: 'timed_out' });
  await web.ended;
  expect(reeve.outside().filter(({ command: text }) => text.includes('stays'))).toEqual([]);
});

test('the clean-up of the config runs after the stop, only of what ran; cleanup --all runs all; a failing one is exit 6', async () => {
  await using reeve = startReeve();
  const command = [...reeve.program('stays')];
  reeve.project({
    project: 'shop',
    services: {
      web: { command, cleanup: { command: 'pwd > swept-$REEVE_SERVICE' } },
      idle: { command, autostart: false, cleanup: { command: ['touch', 'swept-idle'] } },
      bad: { command, autostart: false, cleanup: { command: 'echo "disk on fire"; exit 3' } },
    },
  });
  const swept = (name: string): boolean => existsSync(path.join(reeve.folder, `swept-${name}`));
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  expect(swept('web')).toBe(false);
  const stop = await reeve.run(['stop', '--json']);
  expect(stop.json()).toMatchObject({ status: 'COMPLETE', clean_ups: [{ service: 'web', outcome: 'done' }] });
  expect([swept('web'), swept('idle')]).toEqual([true, false]);
  const all = await reeve.run(['cleanup', '--all', '--json']);
  expect(all.code).toBe(6);
  const { cleanups } = all.json() as { cleanups: readonly Row[] };
  expect(swept('idle')).toBe(true);
  expect(cleanups.find(({ service }) => service === 'bad')?.problems).toEqual([
    'clean-up failed: exit code 3: disk on fire',
  ]);
});

test('restart --all cleans up and starts again: the config natively, managers by their announced start, others as they ran', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  reeve.project({ project: 'shop', services: { db: { command: [...reeve.program('stays')] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const again = reeve.program('announces', JSON.stringify({ service: 'manager', port }));
  await using manager = startByHand(reeve, { service: 'manager', port, start: [...again], cleanup: 'done' });
  await using mute = startByHand(reeve, { service: 'mute', cleanup: 'done' });
  for (const each of [manager, mute]) await each.open();
  const before = await reeve.json<{ services: readonly { name: string; pid: number }[] }>(['ps']);
  const restart = await reeve.run(['restart', '--all', '--json']);
  expect(restart.code, restart.stderr).toBe(0);
  const { starts } = restart.json() as { starts: readonly (Row & { message: string })[] };
  expect(starts.find(({ service }) => service === 'db')).toMatchObject({ ok: true, reason: 'ready' });
  expect(starts.find(({ service }) => service === 'manager')).toMatchObject({ ok: true, reason: 'started' });
  expect(starts.find(({ service }) => service === 'mute')).toMatchObject({ ok: true, reason: 'started' });
  const after = await reeve.json<typeof before>(['ps']);
  const pid = (view: typeof before, wanted: string) => view.services.find(({ name }) => name === wanted)?.pid;
  for (const name of ['db', 'manager', 'mute']) {
    expect(pid(after, name), name).toEqual(expect.any(Number));
    expect(pid(after, name), name).not.toBe(pid(before, name));
  }
  expect((await reeve.run(['stop', '--all'])).code).toBe(0);
  expect(reeve.outside().filter(({ command }) => command.includes('announces'))).toEqual([]);
});

test('U23: a manager whose start was in its process is started again as it ran; one that cannot be is exit 1', async () => {
  await using reeve = startReeve();
  const wish = { service: 'manager', start_method: true };
  await using manager = startByHand(reeve, wish, { env: { ONLY_HERE: 'yes' } });
  await manager.open();
  const restart = await reeve.run(['restart', 'manager', '--json']);
  expect([restart.code, restart.json()]).toMatchObject([0, { starts: [{ service: 'manager', reason: 'started' }] }]);
  const pids = async () => {
    const { services } = await reeve.json<{ services: readonly { name: string; pid: number | null }[] }>(['ps']);
    return services.map(({ name, pid }) => [name, pid]);
  };
  const [[, again] = []] = await pids();
  expect(again).toEqual(expect.any(Number));
  expect(again).not.toBe(manager.pid);
  expect(environOf(Number(again))?.get('ONLY_HERE')).toBe('yes');
  expect((await reeve.run(['stop', 'manager'])).code).toBe(0);

  // A registered process has no command line on its card: it is down now, and the exit code says so.
  const [file = '', ...args] = reeve.program('stays');
  const child = spawn(file, args, { stdio: 'ignore' });
  await once(child, 'spawn');
  expect((await reeve.run(['register', 'plain', '--pid', String(child.pid)])).code).toBe(0);
  const failed = await reeve.run(['restart', 'plain']);
  expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('not started')]);
});

test('start --all starts a manager that has ended, by its announced start', async () => {
  await using reeve = startReeve();
  reeve.project({ project: 'shop', services: {} });
  const again = [...reeve.program('announces', JSON.stringify({ service: 'manager' }))];
  await using manager = startByHand(reeve, { service: 'manager', start: again });
  await manager.open();
  expect((await reeve.run(['stop', 'manager'])).code).toBe(0);
  expect((await reeve.run(['start', '--all'])).code).toBe(0);
  const { services } = await reeve.json<{ services: readonly { pid: number }[] }>(['ps']);
  expect(services[0]?.pid).toEqual(expect.any(Number));
  expect(services[0]?.pid).not.toBe(manager.pid);
  expect((await reeve.run(['stop', '--all'])).code).toBe(0);
});
