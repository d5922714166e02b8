import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PsView, Receipt } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { copiesOf, eventsOf, serviceOf, untilService } from '../harness/ask.ts';
import { startByHand } from '../harness/by-hand.ts';
import { cgroup2Mount } from '../harness/outside-cgroup.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';
import { daemonOf, keeperOf, statusNumber } from '../harness/victims.ts';

const isRoot = process.getuid?.() === 0;

/** While the system lacks something the service is tried again, every other one is served, and afterwards all is well. */
async function lacking(reeve: TestReeve, errno: RegExp, end: () => void): Promise<void> {
  const start = await reeve.run(['start', 'next', '--no-wait']);
  expect(start.code, start.stderr).toBe(0);
  const waiting = await untilService(reeve, 'next', (s) => s.state === 'backoff');
  expect(waiting.reason).toMatch(errno);
  expect((await reeve.run(['ps'])).code).toBe(0);
  expect((await serviceOf(reeve, 'first')).state).toBe('running');
  end();
  expect(await untilService(reeve, 'next', (s) => s.state === 'running')).toMatchObject({ pid: expect.any(Number) });
  expect(copiesOf(reeve, 'stays')).toHaveLength(2);
}

const project = (reeve: TestReeve) => ({
  services: {
    first: { command: [...reeve.program('stays', 'first')], ready: { log: 'ready' } },
    next: { command: [...reeve.program('stays', 'next')], ready: { log: 'ready' }, autostart: false },
  },
});

describe('a start for which the system lacks something', () => {
  test('RX1: descriptors', async () => {
    await using reeve = startReeve();
    reeve.project(project(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const keeper = String(keeperOf(reeve));
    const open = readdirSync(`/proc/${keeper}/fd`).map(Number);
    const nofile = (limit: string) => execFileSync('prlimit', ['--pid', keeper, `--nofile=${limit}`]);
    const [soft = '1024', hard = '4096'] = execFileSync('prlimit', [
      '--pid',
      keeper,
      '--nofile',
      '-o',
      'SOFT,HARD',
      '--noheadings',
    ])
      .toString()
      .trim()
      .split(/\s+/);
    nofile(`${Math.max(...open) + 2}:${hard}`);
    await lacking(reeve, /EMFILE/, () => nofile(`${soft}:${hard}`));
  });

  const PIDS = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find(
    (folder) => isRoot && existsSync(folder) && (folder.endsWith('pids') || subtree(folder).includes('pids')),
  );
  test.runIf(PIDS !== undefined)('RX2: processes', async () => {
    await using reeve = startReeve({ cgroup: false });
    reeve.project(project(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    await inCage(reeve, PIDS ?? '', 0, (widen) => lacking(reeve, /EAGAIN/, widen));
  });

  // Elsewhere a service leaves the keeper's cgroup for its own, and the cage with it.
  test.runIf(PIDS?.endsWith('pids'))(
    'RX5: processes, because a service piles up zombies: no failure of its own',
    async () => {
      await using reeve = startReeve({ cgroup: false });
      const { first, next } = project(reeve).services;
      const hoards = { command: [...reeve.program('hoards-zombies')], ready: { log: 'full' }, autostart: false };
      reeve.project({ services: { first, hoards, next: { ...next, restart: { limit: '1 per 60s' } } } });
      expect((await reeve.run(['up', '-d'])).code).toBe(0);
      await inCage(reeve, PIDS ?? '', 40, async () => {
        expect((await reeve.run(['start', 'hoards'])).code).toBe(0);
        expect((await reeve.run(['start', 'next', '--no-wait'])).code).toBe(0);
        const refused = async () => (await eventsOf(reeve, 'next')).filter(({ message }) => message.includes('EAGAIN'));
        // More often than its limit allows for failures of its own.
        await until('it was refused again and again', async () => (await refused()).length > 2, 40_000);
        expect(await serviceOf(reeve, 'next')).toMatchObject({
          state: 'backoff',
          reason: expect.stringMatching(/EAGAIN/),
        });
        expect((await serviceOf(reeve, 'first')).state).toBe('running');
        expect(await reeve.json<Receipt>(['stop', 'hoards'])).toMatchObject({ status: 'COMPLETE' });
        await until('it runs', async () => (await serviceOf(reeve, 'next')).state === 'running', 60_000);
      });
    },
    150_000,
  );
});

/** Puts the keeper into a cgroup in which `room` more processes fit than there are; `widen` takes the limit away. */
async function inCage(
  reeve: TestReeve,
  mount: string,
  room: number,
  inside: (widen: () => void) => Promise<void>,
): Promise<void> {
  const cage = path.join(mount, `${path.basename(path.dirname(reeve.home))}-pids`);
  mkdirSync(cage);
  const keeper = keeperOf(reeve);
  const own = readFileSync(`/proc/${keeper}/cgroup`, 'utf8');
  const line = own
    .split('\n')
    .find((each) => (mount.endsWith('pids') ? each.includes(':pids:') : each.startsWith('0::')));
  const home = path.join(mount, line?.split(':')[2] ?? '/');
  try {
    writeFileSync(`${cage}/cgroup.procs`, String(keeper));
    writeFileSync(`${cage}/pids.max`, String(Number(readFileSync(`${cage}/pids.current`, 'utf8')) + room));
    await inside(() => writeFileSync(`${cage}/pids.max`, 'max'));
  } finally {
    // Everything that is in it now goes back where it was.
    for (const pid of readFileSync(`${cage}/cgroup.procs`, 'utf8').split('\n').filter(Boolean))
      writeFileSync(`${home}/cgroup.procs`, pid);
    rmdirSync(cage);
  }
}

/** A user namespace of its own in which no process gets an inotify instance; the rest of the machine has as many as before. */
const NO_INOTIFY = [
  'unshare',
  '-Ur',
  'sh',
  '-c',
  'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"',
  'sh',
] as const;
const [unshare, ...inside] = NO_INOTIFY;
const canWatch = spawnSync(unshare, [...inside, process.execPath, '-e', 'require("fs").watch("/")'], {
  encoding: 'utf8',
});

test.runIf(canWatch.stderr.includes('EMFILE'))(
  'RX4: with no inotify instance left what is written is shown, what announces itself is known, and stop is complete',
  async () => {
    await using reeve = startReeve({ within: NO_INOTIFY });
    const command = 'while :; do i=$((i+1)); echo "line $i"; sleep 0.1; done';
    reeve.project({ services: { writes: { command }, detaches: { command: [...reeve.program('detaches')] } } });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    const follower = reeve.start(['logs', 'writes', '-f']);
    for (const n of [3, 10, 20]) await follower.line(new RegExp(`line ${n}$`));
    const events = reeve.start(['events', '--all', '-f']);
    await using byHand = startByHand(reeve, { service: 'by-hand' });
    await byHand.open();
    await events.line(/announced itself/);
    byHand.kill('SIGTERM');
    await events.line(/the copy started manually .* has ended/);
    const stop = await reeve.run(['stop', '--json']);
    expect([stop.code, (stop.json() as Receipt).status], stop.stderr).toEqual([0, 'COMPLETE']);
    expect([...copiesOf(reeve, 'line $i'), ...copiesOf(reeve, 'detaches')]).toEqual([]);
  },
);

function subtree(folder: string): string {
  const file = `${folder}/cgroup.subtree_control`;
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

test('RX7: 10 MB of log a second with readers, some of which do not keep up, cost no memory without end', {
  timeout: 120_000,
}, async () => {
  await using reeve = startReeve();
  const flood = `import sys, time
block = ("x" * 99 + "\\n") * 1000
for _ in range(3000):
    sys.stdout.write(block)
    time.sleep(0.005)
print("the end", flush=True)
time.sleep(100000)`;
  reeve.project({
    services: { floods: { command: ['python3', '-c', flood], logs: { max_size: '4M', max_files: 3 } } },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const bin = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');
  const env = { ...process.env, REEVE_HOME: reeve.home };
  const argv = [bin, 'logs', 'floods', '-f'];
  // What the last two write is never read.
  const readers = (['ignore', 'ignore', 'pipe', 'pipe'] as const).map((stdout) =>
    spawn(process.execPath, argv, { cwd: reeve.folder, env, stdio: ['ignore', stdout, 'ignore'] }),
  );
  try {
    const isOver = async () => (await reeve.run(['logs', 'floods', '-n', '1'])).stdout.includes('the end');
    await until('all is written', isOver, 90_000);
    const all = { daemon: daemonOf(reeve), keeper: keeperOf(reeve) };
    for (const [who, pid] of Object.entries(all)) {
      const peak = statusNumber(pid ?? 0, 'VmHWM');
      expect(peak, `peak of the ${who} in KiB`).toBeGreaterThan(0);
      expect(peak, `peak of the ${who} in KiB`).toBeLessThan(250 * 1024);
    }
    for (const { pid, exitCode } of readers) {
      expect(exitCode).toBeNull();
      expect(statusNumber(pid ?? 0, 'VmHWM'), 'peak of a reader in KiB').toBeLessThan(250 * 1024);
    }
  } finally {
    for (const reader of readers) reader.kill('SIGKILL');
  }
});

test('RX6: a thousand starts and stops leave no descriptor, FIFO, cgroup or open row behind', {
  timeout: 300_000,
}, async () => {
  await using reeve = startReeve();
  const [count, rounds] = [50, 20];
  const names = Array.from({ length: count }, (_, n) => `s${n}`);
  reeve.project({ services: Object.fromEntries(names.map((n) => [n, { command: ['sleep', '100000'] }])) });
  const cycle = async (): Promise<void> => {
    expect((await reeve.run(['up', '-d', '--timeout', '60s'])).code).toBe(0);
    expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
  };
  await cycle();
  const before = inventory(reeve);
  for (let round = 1; round < rounds; round++) await cycle();
  const after = await until('everything has been let go', () => {
    const now = inventory(reeve);
    return now.fifos === 0 && now.cgroups === before.cgroups && now;
  });
  for (const who of ['daemon', 'keeper'] as const) {
    expect(after[who].fds, `descriptors of the ${who}`).toBeLessThanOrEqual(before[who].fds + 5);
    expect(after[who].rss, `KiB of the ${who}`).toBeLessThan(before[who].rss + 100 * 1024);
  }
  expect(after.journal).toBeLessThan(1 << 20);
  expect(copiesOf(reeve, 'sleep 100000')).toEqual([]);
  const { services } = await reeve.json<PsView>(['ps']);
  expect(new Set(services.map((s) => `${s.state} ${s.intent} ${s.pid}`))).toEqual(new Set(['stopped down null']));
  const rows = execFileSync('python3', [
    '-c',
    'import sqlite3,sys; d=sqlite3.connect("file:"+sys.argv[1]+"?mode=ro",uri=True); print(d.execute("select count(*) from runs where ended_at is null").fetchone()[0], d.execute("select count(*) from runs").fetchone()[0])',
    `${reeve.home}/reeve.db`,
  ]);
  expect(rows.toString().trim()).toBe(`0 ${count * rounds}`);
});

function inventory(reeve: TestReeve) {
  const size = (pid: number | undefined) => ({
    fds: readdirSync(`/proc/${pid}/fd`).length,
    rss: statusNumber(pid ?? 0, 'VmRSS'),
  });
  const mount = cgroup2Mount();
  const fifos = readdirSync(path.join(reeve.home, 'fifo')).filter((name) =>
    statSync(path.join(reeve.home, 'fifo', name), { throwIfNoEntry: false })?.isFIFO(),
  );
  const own = readFileSync(`/proc/${daemonOf(reeve)}/cgroup`, 'utf8')
    .split('\n')
    .find((line) => line.startsWith('0::'));
  return {
    daemon: size(daemonOf(reeve)),
    keeper: size(keeperOf(reeve)),
    fifos: fifos.length,
    cgroups: mount === null || own === undefined ? 0 : foldersBelow(path.join(mount, own.slice(3))),
    journal: statSync(path.join(reeve.home, 'keeper/journal.ndjson')).size,
  };
}

function foldersBelow(folder: string): number {
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return below.reduce((sum, { name }) => sum + 1 + foldersBelow(path.join(folder, name)), 0);
}
