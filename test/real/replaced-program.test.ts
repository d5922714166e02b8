import { copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import type { PsView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { serviceOf } from '../harness/ask.ts';
import { nextVersion, otherBuild } from '../harness/other-build.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

interface Status {
  readonly pid: number;
  readonly keeper_pid: number;
}
const present = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');

test('U33, U29: a package and a Node removed under a daemon are said, found again on the PATH, and an older daemon is named once', async () => {
  await using reeve = startReeve();
  const old = path.join(reeve.folder, 'old');
  const bin = await otherBuild(old, nextVersion('0.0.1'));
  const node = path.join(old, 'node');
  copyFileSync(process.execPath, node);
  const onPath = path.join(reeve.folder, 'bin');
  mkdirSync(onPath);
  const env = { PATH: `${onPath}:/usr/bin:/bin` };
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'], { bin, node, env })).code).toBe(0);
  const before = await reeve.json<Status>(['daemon', 'status']);
  const problems = async () => (await reeve.json<PsView>(['ps'])).daemon.problems;
  expect(await problems()).toEqual([]);
  expect((await reeve.run(['up', '-d'])).stderr.split('the daemon is version 0.0.1')).toHaveLength(2);

  rmSync(old, { recursive: true });
  expect(await problems()).toMatchObject([{ code: 'program_replaced', message: expect.stringContaining(old) }]);
  expect((await reeve.run(['ps'])).stderr).toContain('reeve daemon upgrade');
  process.kill(before.keeper_pid, 'SIGKILL');
  await until('it is said that no keeper can be started', async () =>
    (await problems()).some(({ code }) => code === 'no_keeper'),
  );
  const restart = await reeve.run(['restart', 'a']);
  expect(restart.code).not.toBe(0);
  expect(restart.stdout + restart.stderr).toContain('no keeper can be started');

  symlinkSync(present, path.join(onPath, 'reeve'));
  await until('a keeper is there again', async () => (await problems()).every(({ code }) => code !== 'no_keeper'));
  expect((await reeve.run(['restart', 'a'])).code).toBe(0);
  expect((await serviceOf(reeve, 'a')).state).toBe('running');
  expect((await reeve.run(['daemon', 'upgrade'])).code).toBe(0);
  expect(await problems()).toEqual([]);
  expect((await reeve.json<Status>(['daemon', 'status'])).pid).not.toBe(before.pid);
});
