import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { PsView, Receipt } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { copiesOf, eventsOf, linesOf, serviceOf, servicesOf, untilService } from '../harness/ask.ts';
import { isStillThere, lookAt, type SeenProcess } from '../harness/proc-scan.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';
import { killDaemon } from '../harness/victims.ts';

const isRoot = process.getuid?.() === 0;

/** A generator of numbers 0 ≤ x < 1 that a seed repeats (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const pidOf = (reeve: TestReeve, program: string) => copiesOf(reeve, program)[0];

function kill(pid: number | undefined): void {
  if (pid === undefined || pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Looks from outside, all the while, how many copies of each are alive; returns how to end and the most ever seen. */
function watchCopies(reeve: TestReeve, marks: readonly string[]): () => Promise<ReadonlyMap<string, number>> {
  const most = new Map(marks.map((m) => [m, 0]));
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      const seen = reeve.outside();
      for (const mark of marks) {
        // The wrapper holds the mark too, for a moment before it becomes the program.
        const found = seen.filter((p) => p.command.includes(mark) && !p.command.includes('reeve-enter'));
        // A look takes a while, in which one may end and the next begin: two are two only if both still have their
        // memory (a process that is on its way out has none, and shows no command line).
        const isRunning = (p: SeenProcess) => isStillThere(p) && lookAt(p.pid, p.because)?.command.includes(mark);
        const count = found.length < 2 ? found.length : found.filter(isRunning).length;
        most.set(mark, Math.max(most.get(mark) ?? 0, count));
      }
      await pause(15);
    }
  })();
  return async () => {
    over.abort();
    await watching;
    return most;
  };
}

test('KC4: sixty random starts, stops and restarts at once: never two copies, and the last one decides', async () => {
  await using reeve = startReeve();
  const seed = 7;
  const chance = seeded(seed);
  reeve.project({
    services: {
      one: { command: [...reeve.program('stays', 'copy=one')], stop: { timeout: '500ms' }, ready: { log: 'ready' } },
    },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const end = watchCopies(reeve, ['copy=one']);
  for (let round = 0; round < 10; round++) {
    const ops = Array.from({ length: 6 }, () => ['start', 'stop', 'restart'][Math.floor(chance() * 3)] ?? 'stop');
    await Promise.all(ops.map((op) => reeve.run(op === 'stop' ? ['stop', 'one'] : [op, 'one', '--no-wait'])));
    if (round % 3 !== 2) continue;
    const last = chance() < 0.5 ? 'start' : 'stop';
    expect((await reeve.run([last, 'one'])).code, `seed ${seed}, round ${round}: ${last}`).toBe(0);
    expect((await serviceOf(reeve, 'one')).state).toBe(last === 'start' ? 'running' : 'stopped');
    expect(copiesOf(reeve, 'copy=one')).toHaveLength(last === 'start' ? 1 : 0);
  }
  expect((await end()).get('copy=one')).toBe(1);
});

describe('a daemon or keeper that is killed', () => {
  const names = ['a', 'b', 'c', 'd'];
  const config = (reeve: TestReeve) => ({
    services: Object.fromEntries(
      names.map((n) => [
        n,
        { command: [...reeve.program('stays', `copy=${n};`)], ready: { log: 'ready' }, stop: { timeout: '2s' } },
      ]),
    ),
  });

  test.each([
    ['reeved.js', 11],
    ['keeper.js', 12],
  ])('%s, at any moment of a start: all run once, none twice', async (victim, seed) => {
    await using reeve = startReeve();
    const chance = seeded(seed);
    reeve.project(config(reeve));
    const end = watchCopies(
      reeve,
      names.map((n) => `copy=${n};`),
    );
    for (let round = 0; round < 8; round++) {
      const up = reeve.start(['up', '-d']);
      const delay = chance() * 500;
      await until('it is there', () => pidOf(reeve, victim));
      await pause(delay);
      kill(pidOf(reeve, victim));
      await up.ended;
      const again = await reeve.run(['up', '-d']);
      expect(again.code, `seed ${seed}, round ${round}, after ${Math.round(delay)} ms\n${again.stderr}`).toBe(0);
      const running = [...(await servicesOf(reeve)).values()];
      expect(running.map((s) => `${s.name} ${s.state}`)).toEqual(names.map((n) => `${n} running`));
      for (const s of running) expect(copiesOf(reeve, `copy=${s.name};`), `round ${round}`).toEqual([s.pid]);
      expect((await reeve.json<Receipt>(['stop'])).status).toBe('COMPLETE');
      expect(copiesOf(reeve, 'copy=')).toEqual([]);
      if (round % 2 === 1) await reeve.run(['daemon', 'stop']);
    }
    expect(Object.fromEntries(await end())).toEqual(Object.fromEntries(names.map((n) => [`copy=${n};`, 1])));
  });
});

test('after a reboot what was wanted up is started, and nothing else', async () => {
  await using reeve = startReeve();
  const stays = (name: string) => [...reeve.program('stays', `copy=${name};`)];
  const ready = { log: 'ready' };
  reeve.project({
    services: {
      up: { command: stays('up'), ready },
      needs: { command: stays('needs'), ready, depends_on: ['up'] },
      down: { command: stays('down'), ready },
      failed: { command: 'exit 3', restart: 'never', ready: { log: 'x' } },
      done: { command: 'echo ran', oneshot: true },
    },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(1);
  expect((await reeve.run(['stop', 'down'])).code).toBe(0);
  const before = await servicesOf(reeve);
  expect((await reeve.run(['daemon', 'stop'])).code).toBe(0);
  for (const name of ['keeper.js', 'copy=']) {
    for (const pid of copiesOf(reeve, name)) kill(pid);
  }
  await until('the machine is empty', () => reeve.outside().length === 0);
  execFileSync('python3', [
    '-c',
    "import sqlite3,sys; d=sqlite3.connect(sys.argv[1]); n=d.execute(\"update facts set value='another-boot' where name='boot'\").rowcount; assert n==1, n; d.commit()",
    `${reeve.home}/reeve.db`,
  ]);
  expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
  await untilService(reeve, 'needs', (s) => s.state === 'running');
  const after = await servicesOf(reeve);
  expect(after.get('up')).toMatchObject({ state: 'running', intent: 'up' });
  expect(after.get('up')?.pid).not.toBe(before.get('up')?.pid);
  expect(after.get('down')).toMatchObject({ state: 'stopped', intent: 'down', pid: null });
  for (const name of ['up', 'needs']) expect(copiesOf(reeve, `copy=${name};`)).toHaveLength(1);
  expect(copiesOf(reeve, 'copy=down;')).toEqual([]);
});

describe('a registry', () => {
  test.runIf(isRoot)(
    'DB4, RX9: that cannot be written stops nothing: supervision and stop continue, and it recovers',
    async () => {
      await using reeve = startReeve();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', reeve.home]);
      try {
        reeve.project({
          services: {
            web: {
              command: [...reeve.program('http-server', 'copy=web;')],
              ports: [await reeve.port()],
              restart: { backoff: '10ms..10ms' },
            },
            other: { command: [...reeve.program('stays', 'copy=other;')] },
          },
        });
        const up = await reeve.run(['up', '-d']);
        expect(up.code, up.stderr).toBe(0);
        const first = await serviceOf(reeve, 'web');
        const ballast = `${reeve.home}/ballast`;
        fill(ballast);
        kill(Number(first.pid));
        const second = await until('another copy is there', () =>
          copiesOf(reeve, 'copy=web;').find((pid) => pid !== first.pid),
        );
        expect(lookAt(second, '')).not.toBeNull();
        // It has ended, and the next daemon would not know that: not done.
        const stop = await reeve.run(['stop', 'other', '--json']);
        expect([stop.code, stop.stdout]).toEqual([1, '']);
        expect(stop.stderr).toMatch(/NOT_WRITTEN_DOWN.*no space left/);
        expect(copiesOf(reeve, 'copy=other;')).toEqual([]);
        expect((await reeve.json<PsView>(['ps'])).services.map((s) => s.state)).toEqual(['running', 'stopped']);
        rmSync(ballast);
        expect((await reeve.run(['start', 'other'])).code).toBe(0);
        const [other] = copiesOf(reeve, 'copy=other;');
        await until('it is logged again', async () => (await linesOf(reeve, 'other')).at(-1) === `ready ${other}`);
        const events = await eventsOf(reeve, 'web');
        expect(events.filter((e) => e.event === 'service.started')).toHaveLength(2);
        fill(ballast);
        await killDaemon(reeve);
        for (const command of ['up', 'stop']) {
          const { code, stderr } = await reeve.run([command, ...(command === 'up' ? ['-d'] : [])]);
          expect(code, stderr).toBe(1);
          expect(stderr).toContain('no space left');
          expect(stderr).not.toContain('bug');
        }
      } finally {
        rmSync(`${reeve.home}/ballast`, { force: true });
        await reeve.run(['daemon', 'stop', '--with-services']);
        execFileSync('umount', ['-l', reeve.home]);
      }
    },
  );

  test('U21: that is damaged is set aside as it is, and what runs is taken over under its name', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { web: { command: [...reeve.program('stays', 'copy=web;')] } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const [pid] = copiesOf(reeve, 'copy=web;');
    expect((await reeve.run(['daemon', 'stop'])).code).toBe(0);
    const file = `${reeve.home}/reeve.db`;
    const bad = Buffer.concat([Buffer.from('this is not a database'), readFileSync(file).subarray(19)]);
    writeFileSync(file, bad);
    const ps = await reeve.run(['ps', '--json']);
    expect(ps.json()).toMatchObject({ services: [{ name: 'web', state: 'running', pid }] });
    expect(ps.stderr).toContain('damaged');
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    expect(copiesOf(reeve, 'copy=web;')).toEqual([pid]);
    const aside = readdirSync(reeve.home).find((name) => name.startsWith('reeve.db.set-aside'));
    expect(readFileSync(`${reeve.home}/${aside}`).equals(bad)).toBe(true);
    expect((await eventsOf(reeve)).find((e) => e.event === 'registry.replaced')?.message).toContain(String(aside));
    expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
    expect(copiesOf(reeve, 'copy=web;')).toEqual([]);
  });
});

/** Leaves not one byte on the file system. */
function fill(file: string): void {
  for (const size of [65_536, 4_096, 1]) {
    for (;;) {
      try {
        writeFileSync(file, Buffer.alloc(size, 1), { flag: 'a' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        break;
      }
    }
  }
  expect(statSync(file).size).toBeGreaterThan(0);
}

test('a daemon that is started by a service of another home is not a process of that service', async () => {
  await using outer = startReeve();
  await using inner = startReeve({ cgroup: false });
  inner.project({ services: { nested: { command: [...inner.program('stays', 'copy=nested;')] } } });
  const bin = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');
  outer.project({
    services: {
      shell: {
        command: `cd ${inner.folder} && REEVE_HOME=${inner.home} ${process.execPath} ${bin} up -d && echo brought up; exec sleep 1000`,
        ready: { log: 'brought up' },
      },
    },
  });
  const up = await outer.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(0);
  const daemon = (await inner.json<PsView>(['ps'])).daemon.pid;
  const nested = await serviceOf(inner, 'nested');
  const receipt = await outer.json<Receipt>(['stop']);
  expect(receipt.status).toBe('COMPLETE');
  const ended = receipt.services.flatMap((s) => s.processes.map((p) => p.pid));
  expect(ended).not.toContain(daemon);
  expect(ended).not.toContain(nested.pid);
  expect((await inner.json<PsView>(['ps'])).daemon.pid).toBe(daemon);
  expect(await serviceOf(inner, 'nested')).toMatchObject({ state: 'running', pid: nested.pid, restarts: 0 });
});
