import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PsView, Receipt } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { copiesOf, eventsOf, linesOf, serviceOf, servicesOf, untilService } from '../harness/ask.ts';
import { nextVersion, otherBuild } from '../harness/other-build.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';
import { daemonOf, keeperOf, kill, killDaemon } from '../harness/victims.ts';

const isRoot = process.getuid?.() === 0;
const bin = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');
const reeved = path.resolve(import.meta.dirname, '../../packages/reeve/dist/reeved.js');

/** Stays, at little cost. */
const still = (mark: string) => ['sh', '-c', 'echo ready; exec sleep 100000', mark];
const numbersOf = async (reeve: TestReeve, name: string) =>
  (await linesOf(reeve, name)).map((line) => Number(line.split(' ')[1]));

describe('the daemon is killed', () => {
  test('SD1: six times in a row, with 20 services: same pids, no second copy, nothing restarted', async () => {
    await using reeve = startReeve();
    const names = Array.from({ length: 20 }, (_, n) => `s${n}`);
    const services = Object.fromEntries(names.map((n) => [n, { command: ['sleep', '100000'] }]));
    reeve.project({ services });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const before = await servicesOf(reeve);
    for (let round = 0; round < 6; round++) {
      await killDaemon(reeve);
      expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
      const after = await servicesOf(reeve);
      for (const name of names) {
        expect(after.get(name), `round ${round}`).toMatchObject({
          pid: before.get(name)?.pid,
          restarts: 0,
          state: 'running',
        });
      }
      expect(copiesOf(reeve, 'sleep 100000')).toHaveLength(20);
    }
  });

  test('SD3: while it stops something: the next one finishes the stop and does not start it again', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        stubborn: { command: [...reeve.program('ignores-sigterm')], ready: { log: 'ready' }, stop: { timeout: '3s' } },
      },
    });
    await reeve.run(['up', '-d']);
    const stop = reeve.start(['stop']);
    await untilService(reeve, 'stubborn', (s) => s.state === 'stopping');
    await killDaemon(reeve);
    await stop.ended;
    await reeve.run(['daemon', 'start']);
    expect(await untilService(reeve, 'stubborn', (s) => s.state === 'stopped')).toMatchObject({ intent: 'down' });
    expect(copiesOf(reeve, 'ignores-sigterm')).toEqual([]);
  });

  test('SD4: what ends meanwhile is known with its code, and its policy is applied once', async () => {
    await using reeve = startReeve();
    const ending = (code: number, then: string) =>
      `echo ready; if test -e ${then}; then exec sleep 1000; fi; while ! test -e go; do sleep 0.05; done; touch ${then}; exit ${code}`;
    reeve.project({
      services: {
        again: { command: ending(37, 'a'), ready: { log: 'ready' }, restart: { backoff: '10ms..10ms' } },
        never: { command: ending(38, 'b'), ready: { log: 'ready' }, restart: 'never' },
        signalled: { command: still('x'), ready: { log: 'ready' }, restart: 'never' },
        stays: { command: still('y'), ready: { log: 'ready' } },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const before = await servicesOf(reeve);
    await killDaemon(reeve);
    reeve.file('go', '');
    kill(before.get('signalled')?.pid, 'SIGSEGV');
    const ended = ['again', 'never', 'signalled'].map((name) => before.get(name)?.pid);
    await until('they have ended', () => !reeve.outside().some(({ pid }) => ended.includes(pid)));
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    expect(await untilService(reeve, 'again', (s) => s.state === 'running')).toMatchObject({ restarts: 1 });
    const after = await servicesOf(reeve);
    expect(after.get('again')?.exit).toMatchObject({ kind: 'code', code: 37 });
    expect(after.get('never')).toMatchObject({ state: 'failed', restarts: 0, exit: { kind: 'code', code: 38 } });
    expect(after.get('signalled')).toMatchObject({ state: 'failed', exit: { kind: 'signal', signal: 'SIGSEGV' } });
    expect(after.get('stays')).toMatchObject({ pid: before.get('stays')?.pid, restarts: 0 });
    const events = await eventsOf(reeve, 'again');
    expect(events.filter((e) => e.event === 'service.exited')).toHaveLength(1);
    expect(events.filter((e) => e.event === 'service.started')).toHaveLength(2);
  });

  test('SD5: together with its keeper: services live and are taken over, an end meanwhile is unobserved, the stop is complete', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        a: { command: [...reeve.program('prints-lines', 'count=100000', 'every=5')], ready: { log: 'line 1' } },
        ends: { command: still('ends'), ready: { log: 'ready' }, restart: 'never' },
      },
    });
    await reeve.run(['up', '-d']);
    const before = await servicesOf(reeve);
    kill(daemonOf(reeve));
    kill(keeperOf(reeve));
    kill(before.get('ends')?.pid);
    await until('it has ended', () => !reeve.outside().some(({ pid }) => pid === before.get('ends')?.pid));
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    expect(await serviceOf(reeve, 'a')).toMatchObject({ pid: before.get('a')?.pid, state: 'running', restarts: 0 });
    expect(await untilService(reeve, 'ends', (s) => s.state === 'stopped')).toMatchObject({
      intent: 'up',
      exit: { kind: 'unobserved' },
    });
    expect((await eventsOf(reeve, 'ends')).some((e) => e.event === 'service.log_gap')).toBe(true);
    expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
    const seen = await numbersOf(reeve, 'a');
    expect(seen).toEqual(seen.map((_, i) => i + 1));
    expect(reeve.outside().filter((p) => p.command.includes('prints-lines'))).toEqual([]);
  });

  test('LG2: while a line comes every 20 ms, from Node, Python and a shell: they live, and no line is missing', async () => {
    await using reeve = startReeve();
    const python = 'import time\ni=0\nwhile True:\n i+=1\n print("line",i,flush=True)\n time.sleep(.02)';
    reeve.project({
      services: {
        node: { command: [...reeve.program('prints-lines', 'count=100000', 'every=20')], ready: { log: 'line 1' } },
        python: { command: ['python3', '-c', python], ready: { log: 'line 1' } },
        sh: {
          command: ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.02; done'],
          ready: { log: 'line 1' },
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const before = await servicesOf(reeve);
    for (let round = 0; round < 3; round++) {
      await killDaemon(reeve);
      await pause(300); // only the keeper is there now
      expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    }
    for (const [name, { pid }] of before) {
      expect(await serviceOf(reeve, name)).toMatchObject({ pid, restarts: 0, state: 'running' });
      const seen = await numbersOf(reeve, name);
      expect(seen.length, name).toBeGreaterThan(30);
      expect(seen, name).toEqual(seen.map((_, i) => i + 1));
    }
  });
});

test('SD6: only the keeper is killed: another is there, the service hears nothing of it, no line is missing', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      a: { command: [...reeve.program('prints-lines', 'count=100000', 'every=5')], ready: { log: 'line 1' } },
    },
  });
  await reeve.run(['up', '-d']);
  const before = await serviceOf(reeve, 'a');
  for (let round = 0; round < 3; round++) {
    const keeper = await until('a keeper is there', () => keeperOf(reeve));
    kill(keeper);
    await until('another keeper is there', () => copiesOf(reeve, 'keeper.js').some((pid) => pid !== keeper));
  }
  await until('more has come', async () => (await numbersOf(reeve, 'a')).length > 500);
  expect(await serviceOf(reeve, 'a')).toMatchObject({ pid: before.pid, state: 'running', restarts: 0 });
  expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
  const seen = await numbersOf(reeve, 'a');
  expect(seen).toEqual(seen.map((_, i) => i + 1));
});

test('SD8: 24 commands that need a daemon at once get one, and all of them succeed', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: still('copy=a;'), ready: { log: 'ready' } } } });
  const codes = await Promise.all(
    Array.from({ length: 24 }, async () => {
      const { code, stderr } = await reeve.run(['up', '-d'], { limit: 110_000 });
      return code === 0 ? 'fine' : `${code}: ${stderr}`;
    }),
  );
  expect(codes).toEqual(codes.map(() => 'fine'));
  expect(copiesOf(reeve, 'reeved.js')).toHaveLength(1);
  expect(copiesOf(reeve, 'keeper.js')).toHaveLength(1);
  expect(copiesOf(reeve, 'sleep 100000')).toHaveLength(1);
  expect((await eventsOf(reeve, 'a')).filter((e) => e.event === 'service.started')).toHaveLength(1);
});

/** Where the n-th of these calls is the last thing the daemon's main thread does. More with REEVE_SWEEP=whole. */
const SWEEP: readonly (readonly [string, readonly number[]])[] = [
  ['fsync,fdatasync', [1, 2, 3, 5, 8]],
  ['pwrite64', [1, 4, 12, 30]],
  ['rename,mkdir,unlink', [1, 2, 4]],
  ['clone,clone3,vfork', [1, 2]],
  ['sendto,sendmsg,connect,bind,listen,accept4', [1, 2, 4]],
];
const isWhole = process.env['REEVE_SWEEP'] === 'whole';
const hasStrace = existsSync('/usr/bin/strace');

describe.runIf(hasStrace)('SD2: the daemon dies at a system call of its start or of the start of its services', () => {
  test.each(SWEEP)(
    '%s: none twice, none that reeve does not list, and the next up makes it whole',
    { timeout: isWhole ? 3_600_000 : 240_000 },
    async (calls, chosen) => {
      const points = isWhole ? Array.from({ length: 60 }, (_, n) => n + 1) : chosen;
      const killed: boolean[] = [];
      for (const point of points) killed.push(await dieAt(calls, point));
      expect(killed).toContain(true);
    },
  );
});

/** Whether the daemon died of it: it may not make so many of these calls. */
async function dieAt(calls: string, point: number): Promise<boolean> {
  await using reeve = startReeve({ cgroup: false });
  const names = ['a', 'b', 'c'];
  reeve.project({
    services: Object.fromEntries(names.map((n) => [n, { command: still(`copy=${n};`), ready: { log: 'ready' } }])),
  });
  const env = { ...process.env, REEVE_HOME: reeve.home, REEVE_PORT: '0' };
  const inject = `inject=${calls}:signal=SIGKILL:when=${point}`;
  const traced = spawn(
    'strace',
    ['-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', inject, process.execPath, reeved],
    { env, stdio: 'ignore' },
  );
  const died = new Promise((resolve) => traced.once('close', resolve));
  const answers = until(
    'it answers or is dead',
    async () =>
      traced.exitCode !== null || traced.signalCode !== null || existsSync(path.join(reeve.home, 'run/control.sock')),
  );
  await answers;
  await reeve.run(['up', '-d', '--timeout', '20s']);
  const where = `${calls}, the ${point}th`;
  const again = await reeve.run(['up', '-d']);
  expect(again.code, `${where}\n${again.stderr}`).toBe(0);
  const { services } = await reeve.json<PsView>(['ps']);
  for (const name of names) {
    const { state, pid } = services.find((s) => s.name === name) ?? {};
    // The mark is an argument of the shell, which becomes `sleep`: what is left of it is the pid.
    expect([where, name, state]).toEqual([where, name, 'running']);
    expect(
      reeve.outside().some((p) => p.pid === pid && p.command.includes('sleep 100000')),
      where,
    ).toBe(true);
  }
  expect(copiesOf(reeve, 'sleep 100000'), where).toHaveLength(names.length);
  expect(await reeve.json<Receipt>(['stop']), where).toMatchObject({ status: 'COMPLETE' });
  expect(copiesOf(reeve, 'sleep 100000'), where).toEqual([]);
  const isDead = traced.exitCode !== null || traced.signalCode !== null;
  await reeve.run(['daemon', 'stop']);
  await died;
  return isDead;
}

const MEMORY = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].find(
  (folder) =>
    existsSync(`${folder}/memory.limit_in_bytes`) || readIfThere(`${folder}/cgroup.subtree_control`).includes('memory'),
);

test.runIf(isRoot && MEMORY !== undefined)(
  'SD10: the daemon is killed because its memory is used up: as if by hand',
  async () => {
    await using reeve = startReeve();
    reeve.project({ services: { a: { command: still('a'), ready: { log: 'ready' } } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const before = await serviceOf(reeve, 'a');
    const cage = path.join(MEMORY ?? '', `${path.basename(path.dirname(reeve.home))}-mem`);
    mkdirSync(cage);
    try {
      const limit = existsSync(`${cage}/memory.limit_in_bytes`) ? 'memory.limit_in_bytes' : 'memory.max';
      writeFileSync(`${cage}/${limit}`, String(1 << 20));
      const daemon = daemonOf(reeve);
      writeFileSync(`${cage}/cgroup.procs`, String(daemon));
      await until('the daemon is out of memory', async () => {
        if (daemonOf(reeve) !== daemon) return true;
        await reeve.run(['events', '-n', 'all']);
        await reeve.run(['ps']);
        return daemonOf(reeve) !== daemon;
      });
      expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
      expect(await serviceOf(reeve, 'a')).toMatchObject({ pid: before.pid, state: 'running', restarts: 0 });
      expect(readFileSync(`/proc/${before.pid}/oom_score_adj`, 'utf8').trim()).toBe('0');
    } finally {
      await until('the cage is empty', () => readFileSync(`${cage}/cgroup.procs`, 'utf8') === '');
      rmdirSync(cage);
    }
  },
);

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

test.runIf(isRoot)('SD11: as process 1 of a container it leaves no zombies, and refuses to be upgraded', async () => {
  await using reeve = startReeve({ cgroup: false });
  reeve.project({
    services: {
      forks: {
        command: 'for i in 1 2 3 4 5; do (sleep 0.1 &); done; echo ready; exec sleep 1000',
        ready: { log: 'ready' },
      },
    },
  });
  const env = { ...process.env, REEVE_HOME: reeve.home, REEVE_PORT: '0' };
  const outer = spawn('unshare', ['-pf', '--mount-proc', '--kill-child', process.execPath, bin, 'daemon', 'run'], {
    env,
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => outer.once('close', resolve));
  try {
    const init = await until(
      'it is there',
      () => Number(readIfThere(`/proc/${outer.pid}/task/${outer.pid}/children`).trim()) || null,
    );
    await until('it answers', () => existsSync(path.join(reeve.home, 'run/control.sock')));
    const enter = (command: string, ...args: string[]) =>
      promisify(execFile)(
        'nsenter',
        ['-t', String(init), '-p', '-m', process.execPath, command, '-C', reeve.folder, ...args],
        { env },
      );
    const inside = (...args: string[]) => enter(bin, ...args);
    await inside('up', '-d');
    const { stdout } = await inside('daemon', 'status', '--json');
    expect((JSON.parse(stdout) as { pid: number }).pid).toBe(1);
    await until(
      'the orphans have ended, and have been waited for',
      () => zombiesOf(init) === 0 && !hasShortSleep(init),
    );
    await inside('stop');
    expect(zombiesOf(init)).toBe(0);
    const next = await otherBuild(path.join(reeve.folder, 'next'), nextVersion());
    const refused = await enter(next, 'daemon', 'upgrade').then(
      () => '',
      (error: { readonly code: number; readonly stderr: string }) => `${error.code} ${error.stderr}`,
    );
    expect(refused).toMatch(/^1 .*process 1/);
    await inside('daemon', 'stop');
  } finally {
    outer.kill('SIGKILL');
    await ended;
  }
});

/** Zombies among the processes of the PID namespace that this process began. */
function zombiesOf(init: number): number {
  return statsIn(init).filter((stat) => / \(.*\) Z /.test(stat)).length;
}
function hasShortSleep(init: number): boolean {
  return statsIn(init).some((stat) => readIfThere(`/proc/${stat.split(' ')[0]}/cmdline`).startsWith('sleep\x000.1'));
}
function statsIn(init: number): readonly string[] {
  const namespace = execFileSync('readlink', [`/proc/${init}/ns/pid`])
    .toString()
    .trim();
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && nsOf(name) === namespace)
    .map((pid) => readIfThere(`/proc/${pid}/stat`))
    .filter((stat) => stat !== '');
}
function nsOf(pid: string): string {
  try {
    return execFileSync('readlink', [`/proc/${pid}/ns/pid`], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return '';
  }
}

describe('SD13: the daemon in the foreground', () => {
  const running = async (reeve: TestReeve) => {
    reeve.project({ services: { a: { command: still('a'), ready: { log: 'ready' } } } });
    const daemon = reeve.start(['daemon', 'run'], { limit: 110_000 });
    await until('it answers', () => existsSync(path.join(reeve.home, 'run/control.sock')));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    return daemon;
  };

  test('is not ended by a hang-up', async () => {
    await using reeve = startReeve();
    const daemon = await running(reeve);
    const { pid } = await serviceOf(reeve, 'a');
    daemon.signal('SIGHUP');
    await until('it has heard it', async () => (await reeve.run(['daemon', 'logs'])).stdout.includes('SIGHUP'));
    expect(await reeve.json(['daemon', 'status'])).toMatchObject({ running: true, pid: daemon.pid });
    expect(await serviceOf(reeve, 'a')).toMatchObject({ pid, state: 'running' });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'ends at %s, also when it comes three times; services stay, and the next one takes them over',
    async (signal) => {
      await using reeve = startReeve();
      const daemon = await running(reeve);
      const { pid } = await serviceOf(reeve, 'a');
      for (let n = 0; n < 3; n++) daemon.signal(signal);
      expect((await daemon.ended).code).toBe(0);
      expect(reeve.outside().some((p) => p.pid === pid)).toBe(true);
      const log = (await reeve.run(['daemon', 'logs', '--json'])).jsonLines() as { msg: string }[];
      expect(log.at(-1)?.msg).toBe('the daemon has stopped');
      expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
      expect(await serviceOf(reeve, 'a')).toMatchObject({ pid, restarts: 0, state: 'running' });
    },
  );
});
