import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { environmentOf } from '../harness/proc-scan.ts';
import { openManager } from './manager.ts';
import { lives, type Speaker, type World, world } from './speaker.ts';

/** A start that makes no second copy. `manager`: a program that takes calls. */
export function startSafeContract(speaker: Speaker, manager: Speaker): void {
  test('U25: a command is started once and continues when its starter ends; the program that starts it again learns its pid', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    await asker.ask('open', { name: 'starter' });
    writeScript(here);
    const command = [process.execPath, 'svc.mjs'];
    const first = await asker.ask('startServiceSafe', command, { env: { ADDED: '1' } });
    expect(first).toMatchObject({ ok: true, reason: 'done' });
    expect(environmentOf(first.pid)).toMatchObject({ ADDED: '1' });
    expect(environmentOf(first.pid)).not.toHaveProperty('REEVE_OWNER');
    const again = { ok: false, reason: 'already_running', pid: first.pid };
    for (const words of [
      command,
      `${process.execPath} svc.mjs`,
      ['node', path.join(here.folder, 'svc.mjs')],
      ['/usr/bin/env', 'X=1', 'node', 'svc.mjs'],
    ])
      expect(await asker.ask('startServiceSafe', words)).toMatchObject(again);
    asker.child.kill('SIGKILL');
    await asker.ended;
    const other = await openManager(here, manager);
    expect((await other.ask('startServiceSafe', command)).message).toContain(`is already running (pid ${first.pid})`);
    const anyway = await other.ask('startServiceSafe', command, { checkExisting: false });
    expect(anyway).toMatchObject({ ok: true });
    expect([first.pid, anyway.pid].map(lives)).toEqual([true, true]);
    expect(anyway.pid).not.toBe(first.pid);
  });

  test('U25: a copy is known behind a shim and behind a title; what cannot be started says why', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    writeScript(here);
    const shim = path.join(here.folder, 'shim');
    writeFileSync(shim, `#!/bin/sh\nexec ${process.execPath} --no-warnings "$@"\n`, { mode: 0o755 });
    const { pid } = await asker.ask('startServiceSafe', [shim, 'svc.mjs']);
    for (const words of [[shim, 'svc.mjs'], `${shim} svc.mjs`])
      expect(await asker.ask('startServiceSafe', words)).toMatchObject({ reason: 'already_running', pid });
    const titled = await here.open(speaker);
    expect(await asker.ask('startServiceSafe', titled.child.spawnargs)).toMatchObject({ ok: false, pid: titled.pid });
    const wrong = { ok: false, reason: 'failed', pid: null };
    expect(await asker.ask('startServiceSafe', ['/nowhere/at/all'])).toMatchObject(wrong);
    expect(await asker.fail('startServiceSafe', ' ')).toMatchObject({ code: 'USAGE' });
  });
}

/** Many programs start the same at the same moment: one does, and the others learn its pid. */
export async function startRace(here: World, managers: readonly Speaker[]): Promise<void> {
  writeScript(here);
  const askers = await Promise.all(managers.map((manager) => openManager(here, manager)));
  const results = await Promise.all(
    askers.map((asker) => asker.ask('startServiceSafe', [process.execPath, 'svc.mjs'])),
  );
  const started = results.filter(({ ok }) => ok);
  expect(started).toHaveLength(1);
  expect(new Set(results.map(({ pid }) => pid)).size).toBe(1);
}

function writeScript({ folder }: World): void {
  writeFileSync(path.join(folder, 'svc.mjs'), 'setInterval(() => {}, 1e6);');
}
