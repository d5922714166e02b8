import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { PsView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { startReeve } from '../harness/reeve.ts';

test('--dry-run tells the order and does nothing, before the first up and after a change', async () => {
  await using reeve = startReeve();
  const config = (level: string) => ({
    services: {
      b: { command: [...reeve.program('stays')], depends_on: ['a'] },
      a: { command: [...reeve.program('stays')], env: { LEVEL: level } },
    },
  });
  reeve.project(config('one'));
  const first = await reeve.json<{ services: { name: string; action: string }[] }>(['up', '--dry-run']);
  expect(first.services.map(({ name, action }) => `${action} ${name}`)).toEqual(['start a', 'start b']);
  expect(existsSync(path.join(reeve.home, 'reeve.db'))).toBe(false);
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const before = await reeve.json<PsView>(['ps']);
  reeve.project(config('two'));
  const second = await reeve.json<{ services: { name: string; action: string }[] }>(['up', '--dry-run']);
  expect(second.services.map(({ name, action }) => `${action} ${name}`)).toEqual(['restart a', 'keep b']);
  expect((await reeve.json<PsView>(['ps'])).services.map((s) => s.pid)).toEqual(before.services.map((s) => s.pid));
});

test('a service that left the config keeps running, is reported, and is stopped by --prune alone', async () => {
  await using reeve = startReeve();
  const service = { command: [...reeve.program('stays')] };
  const names = async () => (await reeve.json<PsView>(['ps'])).services.map((s) => s.name);
  reeve.project({ services: { a: service, old: service, ended: service } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  expect((await reeve.run(['stop', 'ended'])).code).toBe(0);
  reeve.project({ services: { a: service } });
  const up = await reeve.run(['up', '-d']);
  expect(up.code).toBe(0);
  expect(up.stderr).toContain('no longer in the config: old; reeve up --prune stops them');
  // What had ended already is only history, and its history stays.
  expect(await names()).toEqual(['a', 'old']);
  expect((await reeve.run(['logs', 'ended'])).stdout).toContain('ready');
  expect((await reeve.run(['events', 'ended'])).stdout).toContain('stopped');
  const prune = await reeve.run(['up', '-d', '--prune', '--json']);
  expect(prune.code, prune.stderr).toBe(0);
  expect(prune.json()).toMatchObject({ outcome: 'ready', removed: ['old'] });
  expect(prune.stderr).toContain('old');
  expect(await names()).toEqual(['a']);
});

test('down keeps logs and history; --purge takes them, also afterwards', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  expect((await reeve.run(['down'])).code).toBe(0);
  expect((await reeve.run(['logs', 'a'])).stdout).toContain('goodbye');
  const [file = ''] = (await reeve.run(['logs', 'a', '--paths'])).stdout.split('\n');
  expect(existsSync(file)).toBe(true);
  expect((await reeve.run(['down', '--purge'])).code).toBe(0);
  expect(existsSync(file)).toBe(false);
  expect((await reeve.run(['events', '--json'])).stdout).toBe('');
});

test('two folders of one name are distinguished everywhere, and --project reaches each from anywhere', async () => {
  await using reeve = startReeve();
  const other = path.join(path.dirname(reeve.folder), 'other');
  for (const folder of [reeve.folder, other]) {
    reeve.project({ project: 'shop', services: { s: { command: [...reeve.program('stays')] } } }, folder);
  }
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const second = await reeve.run(['up', '-d', '--json'], { cwd: other });
  const { project } = second.json() as { project: string };
  expect(project).toMatch(/^shop-[0-9a-f]{4}$/);
  expect(second.stderr).toContain(project);
  expect((await reeve.run(['up', '-d'], { cwd: other })).stderr, 'said once').not.toContain(project);
  const sub = path.join(other, 'deep/er');
  mkdirSync(sub, { recursive: true });
  expect(await reeve.json<PsView>(['ps'], { cwd: sub })).toMatchObject({ project });
  expect(await reeve.json<PsView>(['-C', sub, 'ps'])).toMatchObject({ project });
  expect(await reeve.json<PsView>(['ps', '--project', 'SHOP'], { cwd: '/' })).toMatchObject({ project: 'shop' });
  expect((await reeve.run(['stop', '--project', project], { cwd: '/' })).code).toBe(0);
  expect((await reeve.run(['status', 's'])).code).toBe(0);
  expect((await reeve.run(['up', '-d', '--project', project], { cwd: '/' })).code).toBe(0);
  expect((await reeve.run(['status', 's', '--project', project], { cwd: '/' })).code).toBe(0);
});

test('start of a config that was never applied starts what it declares', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      a: { command: [...reeve.program('stays')], depends_on: ['b'] },
      b: { command: [...reeve.program('stays')] },
      c: { command: [...reeve.program('stays')] },
    },
  });
  expect((await reeve.run(['start', 'a'])).code).toBe(0);
  const states = (await reeve.json<PsView>(['ps'])).services.map((s) => `${s.name} ${s.state}`);
  expect(states).toEqual(['a running', 'b running', 'c stopped']);
});
