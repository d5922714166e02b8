import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { openManager } from './manager.ts';
import { lives, type Speaker, type World, world } from './speaker.ts';

/** Services and processes by their name, script and pattern. `manager`: a program that takes calls. */
export function listHuntKillContract(speaker: Speaker, manager: Speaker): void {
  test('U25: services that run by themselves are listed, hunted by name, and ended by name', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    const service = await here.open(speaker, { data: { port: 7, version: 1 } });
    const row = {
      name: 'web-editor',
      project: 'project',
      health: 'unknown',
      ports: [7],
      data: { port: 7, version: 1 },
    };
    const running = { ...row, state: 'running', pid: service.pid, ready: true, managedBy: 'self' };
    expect(await asker.ask('listServices')).toEqual([running]);
    const ours = { pid: service.pid, ours: true, project: 'project', service: 'web-editor' };
    expect(await asker.ask('hunt', 'project/web-editor')).toMatchObject([
      { ...ours, foundBy: expect.arrayContaining(['name']) },
    ]);
    const killed = await asker.ask('killService', 'web-editor');
    expect(killed).toMatchObject({ ok: true, reason: 'done', processes: [{ pid: service.pid, left: null }] });
    expect((await service.ended).code, service.stderr()).toBe(0);
    expect(await asker.ask('killService', 'web-editor')).toMatchObject({ ok: false, reason: 'not_found' });
    expect(await asker.ask('listServices')).toEqual([{ ...running, state: 'stopped', pid: null, ready: false }]);
  });

  test('U25: one that was killed is listed as stale, and what it has left behind is hunted and ended by its name', async () => {
    await using here = world();
    const owner = await openManager(here, manager);
    await owner.ask('open', { name: 'job' });
    const script = writeScript(here, 'left-behind.mjs');
    await owner.ask('start', [process.execPath, script]);
    const left = pidIn(await owner.line(/^started/));
    owner.child.kill('SIGKILL');
    await until('it has ended', () => !lives(owner.pid)); // its output is still held
    const asker = await openManager(here, manager);
    expect(await asker.ask('listServices')).toMatchObject([{ name: 'job', pid: null, managedBy: 'stale' }]);
    const found = { pid: left, ours: true, service: 'job', project: 'project', foundBy: ['name'] };
    expect(await asker.ask('hunt', 'project/job')).toMatchObject([found]);
    expect(await asker.ask('killService', 'job')).toMatchObject({ ok: true, processes: [{ pid: left }] });
    expect(lives(left)).toBe(false);
  });

  test('U25: a foreign program is ended by its script or a pattern only with force; what is not meant stays', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    const unique = uniqueOf(here);
    const script = writeScript(here, `guess-${unique}-7.mjs`);
    copyFileSync(script, path.join(here.folder, `other-${unique}-7.mjs`));
    const pid = await run(here, `guess-${unique}-7.mjs`);
    const other = await run(here, `other-${unique}-7.mjs`);
    const found = await asker.ask('hunt', `guess-${unique}-7.mjs`);
    expect(found).toMatchObject([{ pid, ours: false, project: null, service: null, foundBy: ['command'] }]);
    const refused = await asker.ask('killScript', script);
    expect(refused).toMatchObject({ ok: false, reason: 'not_permitted', processes: [] });
    expect(refused.message).toContain(`pid ${pid}`);
    const pattern = { source: `GUESS-${unique}-\\d+`, flags: 'i' };
    expect(await asker.ask('killPattern', pattern)).toMatchObject({ ok: false, reason: 'not_permitted' });
    expect(lives(pid)).toBe(true);
    const ended = { ok: true, reason: 'done', processes: [{ pid }] };
    expect(await asker.ask('killScript', `guess-${unique}-7.mjs`, { force: true })).toMatchObject(ended);
    expect([lives(pid), lives(other)]).toEqual([false, true]);
    const rest = { source: `OTHER-${unique}-\\d\\.mjs`, flags: 'i' };
    expect(await asker.ask('killPattern', rest, { force: true })).toMatchObject({ processes: [{ pid: other }] });
    expect(await asker.ask('killPattern', rest)).toMatchObject({ ok: false, reason: 'not_found' });
    expect(await asker.ask('killScript', 'no-such-script')).toMatchObject({ ok: false, reason: 'not_found' });
  });

  test('U25: a service with a title of its own is ended by its script, and by a pattern of what it was started as', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    const own = wrapped(here, speaker);
    const pattern = { source: `${uniqueOf(here)}.*web-editor`, flags: '' };
    for (const [call, wanted] of [
      ['killScript', own.command[1]],
      ['killPattern', pattern],
    ] as const) {
      const service = await here.open(own, { service: 'web-editor' });
      expect(await asker.ask(call, wanted)).toMatchObject({ ok: true, processes: [{ pid: service.pid, left: null }] });
      await service.ended;
    }
  });

  test('U25: what this program has started is its own: no force is needed', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    await asker.ask('start', [process.execPath, writeScript(here, `own-${uniqueOf(here)}.mjs`)]);
    const pid = pidIn(await asker.line(/^started/));
    const pattern = { source: `own-${uniqueOf(here)}`, flags: '' };
    expect(await asker.ask('killPattern', pattern)).toMatchObject({ ok: true, processes: [{ pid }] });
  });

  test('U25: a pattern that means everything, is none, or never ends is refused, and the program continues', async () => {
    await using here = world();
    const asker = await openManager(here, manager);
    await run(here, writeScript(here, 'long.mjs'), `${'a'.repeat(60)}b`);
    for (const [source, said] of [
      ['', 'every process'],
      ['(a+)+$', 'too slow'],
    ] as const)
      expect(await asker.fail('killPattern', { source, flags: '' })).toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining(said),
      });
    expect(await asker.fail('hunt', ' ')).toMatchObject({ code: 'USAGE' });
    expect(await asker.ask('hunt', ':1')).toEqual([]);
  });
}

/** The same program by a script of this test's own: no other program is meant. */
function wrapped(here: World, { name, command: [interpreter = '', script = ''] }: Speaker): Speaker {
  const own = path.join(here.folder, name === 'Python' ? 'own.py' : 'own.mjs');
  const python = `import runpy\nrunpy.run_path(${JSON.stringify(script)}, run_name="__main__")\n`;
  writeFileSync(own, name === 'Python' ? python : `await import(${JSON.stringify(script)});\n`);
  return { name, command: [interpreter, own] };
}

/** What no other test, which may run at the same time, has in a command line. */
function uniqueOf({ folder }: World): string {
  return path.basename(path.dirname(folder));
}

/** A script that runs until it is ended. */
function writeScript(here: World, name: string): string {
  const file = path.join(here.folder, name);
  writeFileSync(file, "console.log('started', process.pid); setInterval(() => {}, 1e6);");
  return file;
}

/** As a foreign program: not below the library's. */
async function run(here: World, ...words: readonly string[]): Promise<number> {
  const started = here.start({ name: 'stranger', command: [process.execPath, ...words] });
  return pidIn(await started.line(/^started/));
}

function pidIn(line: string): number {
  return Number(line.split(' ')[1]);
}
