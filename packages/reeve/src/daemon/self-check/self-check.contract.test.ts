import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type homePaths, prepareHome } from '@reeve/host';
import { expect, test } from 'vitest';
import { Beat } from '../../base/beat.ts';
import { takeDaemonLock } from '../single-instance.ts';
import { ownHome } from './own-home.ts';
import { SelfCheck } from './self-check.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What a daemon in a home of its own says after its home was treated like this. */
async function after(treat: (paths: ReturnType<typeof homePaths>) => void): Promise<readonly string[]> {
  const base = mkdtempSync(join(tmpdir(), 'reeve-self-'));
  const paths = prepareHome(join(base, 'home'));
  await using lock = await takeDaemonLock(paths);
  const said: string[] = [];
  const beat = new Beat(() => undefined);
  const check = new SelfCheck(ownHome(paths, lock), silent, (why) => said.push(why), beat);
  try {
    treat(paths);
    await check.look();
    return said;
  } finally {
    beat.close();
    rmSync(base, { recursive: true, force: true });
  }
}

test('U21: a daemon knows when its home or its lock is not the one that it opened', async () => {
  expect(await after(() => undefined)).toEqual([]);
  expect(await after(({ home }) => rmSync(home, { recursive: true }))).toEqual([expect.stringContaining('removed')]);
  const replaced = await after(({ home }) => {
    renameSync(home, `${home}.away`);
    prepareHome(home);
  });
  expect(replaced).toEqual([expect.stringContaining('replaced')]);
  expect(await after(({ run }) => rmSync(run, { recursive: true }))).toEqual([expect.stringContaining('lock')]);
  const anotherLock = await after(({ daemonLock }) => {
    rmSync(daemonLock);
    writeFileSync(daemonLock, '');
  });
  expect(anotherLock).toEqual([expect.stringContaining('lock')]);
});

test('U21: what is repaired is said; a look that fails deposes no one and is said once', async () => {
  const said: string[] = [];
  const log = { ...silent, warn: (_: unknown, text: string) => said.push(text), error: () => said.push('failed') };
  const deposed: string[] = [];
  let repairs = 0;
  const checks = [
    { name: 'broken', look: () => Promise.reject(new Error('no')) },
    { name: 'x', look: () => (repairs++ === 0 ? ({ kind: 'repaired', what: 'put back' } as const) : null) },
  ];
  const beat = new Beat(() => undefined);
  const check = new SelfCheck(checks, log, (why) => deposed.push(why), beat);
  await check.look();
  await check.look();
  beat.close();
  expect([said, deposed]).toEqual([['failed', 'put back'], []]);
});
