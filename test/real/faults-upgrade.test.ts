import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { copiesOf, eventsOf, linesOf, serviceOf, servicesOf, untilService } from '../harness/ask.ts';
import { brokenBuild, nextSchema, nextVersion, otherBuild } from '../harness/other-build.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

interface Upgraded {
  readonly upgraded: boolean;
  readonly pid: number;
  readonly version: string;
  readonly from: { readonly pid: number; readonly version: string };
  readonly away_ms: number;
}
interface Status {
  readonly running: boolean;
  readonly pid: number;
  readonly version: string;
  readonly upgrade_pending: boolean;
  readonly keepers: readonly { readonly pid: number; readonly version: string; readonly runs: number }[];
}

let builds: string;
/** The next version; one whose migration fails; one with a later schema; one that dies when it takes over; … */
const bins = { next: '', badSchema: '', newSchema: '', dies: '', foreignKeeper: '', brokenKeeper: '' };
beforeAll(async () => {
  builds = mkdtempSync(path.join(tmpdir(), 'rv-builds-'));
  const make = (name: keyof typeof bins, changes: Parameters<typeof otherBuild>[1]) =>
    otherBuild(path.join(builds, name), { ...nextVersion(), ...changes }).then((bin) => {
      bins[name] = bin;
    });
  await Promise.all([
    make('next', {}),
    make('badSchema', nextSchema(['CREATE TABLE more (a TEXT)', 'INSERT INTO nowhere VALUES (1)'])),
    make('newSchema', nextSchema(['CREATE TABLE more (a TEXT)'])),
    make('dies', {
      'supervisor/recovery.ts': (text) =>
        text.replace(/(export async function recoverAll[^{]*\{)/, '$1 process.kill(process.pid, "SIGKILL");'),
    }),
    make('foreignKeeper', {
      '@contract/keeper.ts': (text) => text.replace(/KEEPER_PROTOCOL = 1/, 'KEEPER_PROTOCOL = 2'),
    }),
    make('brokenKeeper', { 'keeper/main.ts': (text) => `throw new Error('a broken keeper');\n${text}` }),
  ]);
  return () => rmSync(builds, { recursive: true, force: true });
}, 120_000);

const status = async (reeve: TestReeve) => (await reeve.run(['daemon', 'status', '--json'])).json() as Status;
const upgrade = (reeve: TestReeve, bin: string) => reeve.run(['daemon', 'upgrade', '--json'], { bin });
const counter = (reeve: TestReeve) => [...reeve.program('prints-lines', 'count=1000000', 'every=5')];
const numbers = async (reeve: TestReeve, name: string) =>
  (await linesOf(reeve, name)).map((line) => Number(line.split(' ')[1]));

function load(reeve: TestReeve) {
  return {
    services: {
      chatty: { command: counter(reeve), ready: { log: 'line 1' } },
      quiet: { command: [...reeve.program('stays', 'copy=quiet;')], ready: { log: 'ready' } },
    },
  };
}

describe('a daemon of another version that takes over', () => {
  test('UP1: touches no service and loses no line; what ends afterwards is known with its code', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        ...load(reeve).services,
        ends: {
          command: 'echo ready; while ! test -e go; do sleep 0.05; done; exit 37',
          restart: 'never',
          ready: { log: 'ready' },
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const before = await servicesOf(reeve);
    const old = await status(reeve);
    expect(
      ((await reeve.run(['daemon', 'status', '--json'], { bin: bins.next })).json() as Status).upgrade_pending,
    ).toBe(true);
    expect(old.upgrade_pending).toBe(false);

    const result = await upgrade(reeve, bins.next);
    expect(result.code, result.stderr).toBe(0);
    expect(result.json()).toMatchObject({
      upgraded: true,
      version: '9.9.9',
      from: { pid: old.pid, version: old.version },
    });
    const { pid } = result.json() as Upgraded;
    await until('the old daemon has ended', () => !reeve.outside().some((p) => p.pid === old.pid));
    expect(await status(reeve)).toMatchObject({ pid, version: '9.9.9' });
    const after = await servicesOf(reeve);
    for (const [name, { pid, restarts }] of before)
      expect(after.get(name), name).toMatchObject({ pid, restarts, state: 'running' });

    reeve.file('go', '');
    expect(await untilService(reeve, 'ends', (s) => s.state === 'failed')).toMatchObject({
      exit: { kind: 'code', code: 37 },
    });
    const seen = await numbers(reeve, 'chatty');
    expect(seen).toEqual(seen.map((_, i) => i + 1));
    expect((await upgrade(reeve, bins.next)).json()).toMatchObject({ upgraded: false, pid });
  });

  test('D6: a stop command under way is executed once, and the older keeper is left with nothing', async () => {
    await using reeve = startReeve();
    const stop = {
      command: ['sh', '-c', 'echo ran >> ran; while ! test -e go; do sleep 0.05; done; kill $MAINPID'],
      timeout: '1m',
    };
    reeve.project({ services: { held: { command: [...reeve.program('stays')], ready: { log: 'ready' }, stop } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const [old] = (await status(reeve)).keepers;
    const stopping = reeve.start(['stop']);
    const ran = path.join(reeve.folder, 'ran');
    await until('the stop command runs', () => existsSync(ran));
    expect((await upgrade(reeve, bins.next)).code).toBe(0);
    await stopping.ended;
    expect(await serviceOf(reeve, 'held')).toMatchObject({ state: 'stopping' });
    reeve.file('go', '');
    await untilService(reeve, 'held', (s) => s.state === 'stopped');
    expect(readFileSync(ran, 'utf8')).toBe('ran\n');
    await until('the older keeper has gone', async () => {
      const { keepers } = await status(reeve);
      return keepers.every(({ pid }) => pid !== old?.pid);
    });
  });

  test('UP2: an older keeper holds what it has started, a new one starts what comes, and the older goes when it is empty', async () => {
    await using reeve = startReeve();
    reeve.project(load(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const [old] = (await status(reeve)).keepers;
    expect((await upgrade(reeve, bins.next)).code).toBe(0);
    const both = await until('the new keeper is there', async () => {
      const { keepers } = await status(reeve);
      return keepers.length === 2 && keepers;
    });
    expect(both[0]?.version).toMatch(/^9\.9\.9\+/);
    expect(both[1]).toMatchObject({ pid: old?.pid, runs: 2 });

    expect((await reeve.run(['restart', 'quiet'])).code).toBe(0);
    expect((await status(reeve)).keepers.map(({ runs }) => runs)).toEqual([1, 1]);
    // The daemon dies, the older keeper dies: everything is taken up again, each by the keeper of its place.
    process.kill((await status(reeve)).pid, 'SIGKILL');
    process.kill(Number(old?.pid), 'SIGKILL');
    expect((await reeve.run(['daemon', 'start'], { bin: bins.next })).code).toBe(0);
    await until(
      'both keepers hold their run',
      async () => (await status(reeve)).keepers.map(({ runs }) => runs).join() === '1,1',
    );
    expect((await reeve.run(['restart', 'chatty'])).code).toBe(0);
    await until('the older keeper has gone', async () => (await status(reeve)).keepers.length === 1);
    expect(copiesOf(reeve, 'keeper.js')).toHaveLength(1);
    expect((await eventsOf(reeve)).filter((e) => e.event === 'service.exited')).toHaveLength(2);
  });

  test('UP7: finishes the stop and the start that were under way', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        deaf: { command: [...reeve.program('ignores-sigterm')], ready: { log: 'ready' }, stop: { timeout: '3s' } },
        slow: { command: 'sleep 3; echo here; exec sleep 1000', ready: { log: 'here' }, autostart: false },
      },
    });
    expect((await reeve.run(['up', '-d', 'deaf'])).code).toBe(0);
    const stop = reeve.start(['stop', 'deaf']);
    await untilService(reeve, 'deaf', (s) => s.state === 'stopping');
    expect((await reeve.run(['start', 'slow', '--no-wait'])).code).toBe(0);
    const { pid } = await untilService(reeve, 'slow', (s) => s.state === 'starting' && s.pid !== null);
    expect((await upgrade(reeve, bins.next)).code).toBe(0);
    await stop.ended;
    expect(await untilService(reeve, 'deaf', (s) => s.state !== 'stopping')).toMatchObject({ state: 'stopped' });
    expect(copiesOf(reeve, 'ignores-sigterm')).toEqual([]);
    expect(await untilService(reeve, 'slow', (s) => s.state === 'running')).toMatchObject({ pid, restarts: 0 });
  });

  test('UP1: brings the schema up to date, and UP5: the old program is then refused and changes nothing', async () => {
    await using reeve = startReeve();
    reeve.project(load(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const { pid } = await serviceOf(reeve, 'quiet');
    expect((await upgrade(reeve, bins.newSchema)).code).toBe(0);
    const now = await status(reeve);
    const back = await reeve.run(['daemon', 'upgrade']);
    expect(back.code).toBe(1);
    expect(back.stderr).toMatch(/schema 2|schema \d+/);
    expect(back.stderr).toContain('.bak');
    expect(await status(reeve)).toMatchObject({ pid: now.pid, version: '9.9.9' });
    expect(await serviceOf(reeve, 'quiet')).toMatchObject({ pid, state: 'running', restarts: 0 });
    expect((await reeve.run(['daemon', 'stop', '--with-services'], { bin: bins.newSchema })).code).toBe(0);
    // Its keepers went at the same moment: that is not a failure of its end.
    expect(readFileSync(path.join(reeve.home, 'daemon.log'), 'utf8').trimEnd()).toMatch(/the daemon has stopped"\}$/);
    // This version cannot look into it any more: there is nothing left for it to stop.
    for (const file of readdirSync(reeve.home).filter((name) => name.startsWith('reeve.db')))
      rmSync(path.join(reeve.home, file));
  });
});

describe('a new version that cannot take over leaves the old daemon at work, and says why', () => {
  async function refused(bin: () => string, why: RegExp): Promise<void> {
    await using reeve = startReeve();
    reeve.project(load(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const before = await servicesOf(reeve);
    const old = await status(reeve);
    const result = await reeve.run(['daemon', 'upgrade'], { bin: bin() });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(why);
    expect(result.stderr).toContain('the old daemon and all services keep running');
    expect(await status(reeve)).toMatchObject({ pid: old.pid, version: old.version });
    expect(copiesOf(reeve, 'reeved.js')).toEqual([old.pid]);
    for (const [name, { pid }] of before)
      expect(await serviceOf(reeve, name)).toMatchObject({ pid, state: 'running', restarts: 0 });
    // It is whole: it stops, starts and answers.
    expect((await reeve.run(['restart', 'quiet'])).code).toBe(0);
    const seen = await numbers(reeve, 'chatty');
    expect(seen).toEqual(seen.map((_, i) => i + 1));
    expect(readdirSync(reeve.home).filter((name) => name.startsWith('rehearsal') || name.endsWith('.bak'))).toEqual([]);
  }

  test('UP4: its migration fails', () => refused(() => bins.badSchema, /nowhere/));
  test('UP2: it speaks another keeper protocol', () => refused(() => bins.foreignKeeper, /keeper protocol/));
  test('UP1: its keeper program is broken', () => refused(() => bins.brokenKeeper, /a broken keeper/));
  test('UP1: it dies when it has taken over, before it serves', () => refused(() => bins.dies, /SIGKILL/));
  test('UP1: it is not a program at all, or ends at once', async () => {
    await using reeve = startReeve();
    reeve.project(load(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const old = await status(reeve);
    const bin = path.join(builds, 'next/bin/reeve.js');
    const file = path.join(builds, 'next/dist/reeved.js');
    const good = readFileSync(file, 'utf8');
    try {
      for (const [code, why] of [
        ['this is not JavaScript', /it ended with 1/],
        ['process.exit(0)', /it ended with 0/],
      ] as const) {
        brokenBuild(path.join(builds, 'next'), code);
        const result = await reeve.run(['daemon', 'upgrade'], { bin });
        expect(result.code).toBe(1);
        expect(result.stderr).toMatch(why);
        expect(await status(reeve)).toMatchObject({ pid: old.pid });
      }
    } finally {
      writeFileSync(file, good);
    }
  });
});

test('UP1: the old daemon is killed at any moment of the upgrade: one daemon is there, and no service notices', async () => {
  await using reeve = startReeve();
  reeve.project(load(reeve));
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const before = await servicesOf(reeve);
  const own = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');
  for (let round = 0; round < 8; round++) {
    const bin = round % 2 === 0 ? bins.next : own;
    const { pid } = await status(reeve);
    const running = reeve.start(['daemon', 'upgrade'], { bin });
    await pause(150 + round * 60);
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // It had handed over already.
      expect((error as NodeJS.ErrnoException).code).toBe('ESRCH');
    }
    await running.ended;
    expect((await reeve.run(['daemon', 'start'], { bin })).code, `round ${round}`).toBe(0);
    await until('one daemon is there', () => copiesOf(reeve, 'reeved.js').length === 1);
    for (const [name, { pid }] of before)
      expect(await serviceOf(reeve, name), `round ${round}`).toMatchObject({ pid, state: 'running', restarts: 0 });
  }
  const seen = await numbers(reeve, 'chatty');
  expect(seen).toEqual(seen.map((_, i) => i + 1));
});
