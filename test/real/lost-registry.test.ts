import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { EventView, Receipt } from '@reeve/contract';
import { loadSyscalls } from '@reeve/host';
import { describe, expect, test } from 'vitest';
import { copiesOf, eventsOf, serviceOf, untilService } from '../harness/ask.ts';
import { lookAt } from '../harness/proc-scan.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';
import { daemonOf, keeperOf, kill, killDaemon } from '../harness/victims.ts';

const two = (reeve: TestReeve) => ({
  services: {
    a: { command: [...reeve.program('stays', 'copy=a;')], ready: { log: 'ready' } },
    b: {
      command: [...reeve.program('stays', 'copy=b;')],
      ready: { log: 'ready' },
      restart: { backoff: '10ms..100ms' },
    },
  },
});
const pids = (reeve: TestReeve) => ['a', 'b'].map((name) => copiesOf(reeve, `copy=${name};`));
const removeRegistry = ({ home }: TestReeve) => {
  for (const name of readdirSync(home)) if (name.startsWith('reeve.db')) rmSync(path.join(home, name));
};
const killKeeper = async (reeve: TestReeve) => {
  const pid = keeperOf(reeve);
  kill(pid);
  await until('the keeper is gone', () => !copiesOf(reeve, 'keeper.js').includes(Number(pid)));
};

/** Nothing was started again, everything is known by its name, and a stop that says COMPLETE leaves nothing. */
async function expectTheSame(reeve: TestReeve, before: readonly (readonly number[])[]): Promise<void> {
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(0);
  expect(pids(reeve)).toEqual(before);
  for (const [n, name] of ['a', 'b'].entries())
    expect(await serviceOf(reeve, name)).toMatchObject({ state: 'running', intent: 'up', pid: before[n]?.[0] });
  expect(copiesOf(reeve, 'reeved.js')).toHaveLength(1);
  expect(copiesOf(reeve, 'keeper.js')).toHaveLength(1);
  const receipt = await reeve.json<Receipt>(['stop']);
  expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [] });
  expect(receipt.services.map(({ name }) => name).sort()).toEqual(['a', 'b']);
  expect(pids(reeve)).toEqual([[], []]);
}

describe('U21: what runs is taken over under its name, and never doubled', () => {
  test('U21: when the registry is lost: the keeper tells what it holds, before any config does', async () => {
    await using reeve = startReeve();
    reeve.project(two(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const before = pids(reeve);
    await killDaemon(reeve);
    removeRegistry(reeve);
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    expect(await serviceOf(reeve, 'a')).toMatchObject({ state: 'running', pid: before[0]?.[0], managed_by: 'config' });
    expect((await eventsOf(reeve, 'a')).map((e) => e.event)).toContain('service.taken_over');
    const [, [b] = []] = before;
    kill(b);
    const again = await untilService(reeve, 'b', (s) => s.state === 'running' && s.pid !== b);
    await expectTheSame(reeve, [before[0] ?? [], [Number(again.pid)]]);
  });

  test('U21: when the registry and the keeper are lost: the processes tell', async () => {
    await using reeve = startReeve();
    reeve.project(two(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const before = pids(reeve);
    await killDaemon(reeve);
    await killKeeper(reeve);
    removeRegistry(reeve);
    rmSync(path.join(reeve.home, 'keeper'), { recursive: true });
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    expect(await serviceOf(reeve, 'a')).toMatchObject({ state: 'running', pid: before[0]?.[0], managed_by: 'adopted' });
    await expectTheSame(reeve, before);
  });

  test('U21: when both are lost and a process has kept nothing but its limit mark: stop counts and ends it', async (context) => {
    await using reeve = startReeve({ env: { REEVE_TRACKERS_OFF: 'cgroup' } });
    context.skip(!loadSyscalls().available, 'the system-call binding is needed for limit marks');
    const file = path.join(reeve.folder, 'escaped');
    reeve.project({
      services: {
        a: {
          command: [...reeve.program('detaches', `file=${file}`, 'copy=a;')],
          ready: { command: ['test', '-e', file] },
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const escaped = Number(readFileSync(file, 'utf8'));
    const main = (await serviceOf(reeve, 'a')).pid;
    await killDaemon(reeve);
    await killKeeper(reeve);
    removeRegistry(reeve);
    rmSync(path.join(reeve.home, 'keeper'), { recursive: true });
    kill(main);
    rmSync(file);
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    const rows = receipt.services.flatMap(({ processes }) => processes);
    expect(rows).toContainEqual(expect.objectContaining({ pid: escaped, found_by: expect.arrayContaining(['mark']) }));
    expect([receipt.status, lookAt(escaped, '')]).toEqual(['COMPLETE', null]);
  });

  test("U21: when yesterday's registry is put back", async () => {
    await using reeve = startReeve();
    reeve.project(two(reeve));
    const db = path.join(reeve.home, 'reeve.db');
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    expect((await reeve.run(['stop', 'a'])).code).toBe(0);
    expect((await reeve.run(['daemon', 'stop'])).code).toBe(0);
    copyFileSync(db, `${db}.yesterday`);
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    expect((await reeve.run(['restart', 'b'])).code).toBe(0);
    const before = pids(reeve);
    expect((await reeve.run(['daemon', 'stop'])).code).toBe(0);
    removeOthers(db);
    renameSync(`${db}.yesterday`, db);
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    expect(await serviceOf(reeve, 'a')).toMatchObject({ state: 'running', intent: 'up', pid: before[0]?.[0] });
    await expectTheSame(reeve, before);
  });
});

/** As an editor or `mv` does it. */
function replaceBy(db: string, text: string): void {
  writeFileSync(`${db}.new`, text);
  renameSync(`${db}.new`, db);
}

function removeOthers(db: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${db}${end}`, { force: true });
}

test('U21: the journal is removed and the keeper killed: the next keeper learns what runs, and how it ends', async () => {
  await using reeve = startReeve();
  reeve.project(two(reeve));
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const [a = [], b = []] = pids(reeve);
  rmSync(path.join(reeve.home, 'keeper/journal.ndjson'));
  await killKeeper(reeve);
  await until('another keeper is there', () => keeperOf(reeve));
  await until('it holds both', async () => JSON.stringify(await reeve.json(['daemon', 'status'])).includes('"runs":2'));
  kill(b[0]);
  const again = await untilService(reeve, 'b', (s) => s.state === 'running' && s.pid !== b[0]);
  await expectTheSame(reeve, [a, [Number(again.pid)]]);
});

test.each<readonly [string, (db: string) => void]>([
  ['removed', (db) => removeOthers(db)],
  ['emptied', (db) => truncateSync(db)],
  ['replaced', (db) => replaceBy(db, 'another')],
])('U21: the registry is %s under a daemon: said within a heartbeat, and written anew', async (_, treat) => {
  await using reeve = startReeve();
  reeve.project(two(reeve));
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const before = pids(reeve);
  const last = Math.max(...(await eventsOf(reeve)).map(({ seq }) => seq));
  treat(path.join(reeve.home, 'reeve.db'));
  const said = async () => (await reeve.run(['events'])).stdout.includes('written anew from what the daemon knows');
  await until('it is said', said);
  const ps = await reeve.run(['ps']);
  expect(ps.stderr + ps.stdout).toContain('written anew from what the daemon knows');
  const replaced = (await eventsOf(reeve)).find(({ event }) => event === 'registry.replaced');
  expect(replaced?.seq).toBeGreaterThan(last);
  await killDaemon(reeve);
  expect(await serviceOf(reeve, 'a')).toMatchObject({ state: 'running', intent: 'up', pid: before[0]?.[0] });
  await expectTheSame(reeve, before);
});

/** Writes nonsense over the file; what it was is not needed any more. */
const damage = (db: string): void => {
  removeOthers(`${db}.yesterday`);
  removeOthers(db);
  writeFileSync(db, 'nonsense');
};
const putBack = (db: string): void => {
  removeOthers(db);
  renameSync(`${db}.yesterday`, db);
};

test.each([
  ['damaged', damage],
  ["replaced by yesterday's", putBack],
] as const)('U21: the registry is %s while no daemon runs: `events -f` continues', async (_, treat) => {
  await using reeve = startReeve();
  reeve.project(two(reeve));
  const db = path.join(reeve.home, 'reeve.db');
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  expect((await reeve.run(['daemon', 'stop'])).code).toBe(0);
  copyFileSync(db, `${db}.yesterday`);
  for (const args of [
    ['restart', 'b'],
    ['restart', 'b'],
    ['daemon', 'stop'],
  ])
    expect((await reeve.run(args)).code).toBe(0);
  const last = Math.max(...(await eventsOf(reeve)).map(({ seq }) => seq));
  const follower = reeve.start(['events', '-f', '--json', '-n', '1']);
  await follower.line(/"seq"/);
  treat(db);
  expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
  const taken = JSON.parse(await follower.line(/service.taken_over/)) as EventView;
  if (treat === damage) expect(taken.seq).toBeGreaterThan(last);
  expect((await reeve.run(['stop', 'b'])).code).toBe(0);
  await follower.line(/"service.stopped"/);
  follower.signal('SIGINT');
  const told = (await follower.ended).jsonLines() as readonly EventView[];
  expect(told.filter(({ event }) => event === 'service.taken_over').length).toBe(treat === damage ? 2 : 1);
  expect(new Set(told.map(({ seq }) => seq)).size).toBe(told.length);
});

/** A flipped bit a third of the way into the WAL: SQLite drops that frame and everything behind it. */
function flipBit(wal: string): void {
  const fd = openSync(wal, 'r+');
  try {
    const at = 32 + Math.floor((fstatSync(fd).size - 32) / 4120 / 3) * 4120 + 24 + 100;
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, at);
    writeSync(fd, Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, at);
  } finally {
    closeSync(fd);
  }
}

test('U21: a flipped bit in the WAL, with the daemon killed: what it lost is taken over', async () => {
  await using reeve = startReeve();
  reeve.project(two(reeve));
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  expect((await reeve.run(['restart', 'b'])).code).toBe(0);
  const before = pids(reeve);
  await killDaemon(reeve);
  flipBit(path.join(reeve.home, 'reeve.db-wal'));
  await expectTheSame(reeve, before);
});

/** Holds a lock on the registry that lets nothing be written. */
async function holdRegistry(reeve: TestReeve): Promise<AsyncDisposable> {
  const hold =
    'import sqlite3,sys; d=sqlite3.connect(sys.argv[1],isolation_level=None); d.execute("BEGIN IMMEDIATE"); print("held",flush=True); sys.stdin.read()';
  const holder = spawn('python3', ['-c', hold, path.join(reeve.home, 'reeve.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const closed = once(holder, 'close');
  return {
    [Symbol.asyncDispose]: async () => {
      holder.kill('SIGKILL');
      await closed;
    },
  };
}

/** Crashes b, and waits for the copy that follows it. Returns the pids of both services then. */
async function crashOfB(reeve: TestReeve): Promise<readonly (readonly number[])[]> {
  const [, [b] = []] = pids(reeve);
  kill(b);
  await until('another copy of b runs', () => copiesOf(reeve, 'copy=b;').some((pid) => pid !== b));
  await untilService(reeve, 'b', (s) => s.state === 'running' && s.pid !== b);
  return pids(reeve);
}

test.each([
  ['daemon', (reeve: TestReeve) => killDaemon(reeve)],
  [
    'daemon and the keeper',
    async (reeve: TestReeve) => {
      await killDaemon(reeve);
      await killKeeper(reeve);
    },
  ],
])(
  'U21: a crash and restart while another program holds the registry, and a kill of the %s: no second copy',
  async (_, die) => {
    await using reeve = startReeve();
    reeve.project(two(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    let before: readonly (readonly number[])[];
    {
      await using _held = await holdRegistry(reeve);
      before = await crashOfB(reeve);
      await die(reeve);
    }
    await expectTheSame(reeve, before);
  },
);

/** Leaves not one byte on the file system. Returns what makes room again. */
function fillDisk(folder: string): () => void {
  const file = path.join(folder, 'ballast');
  for (const size of [65_536, 4_096, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size, 1), { flag: 'a' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }
  return () => rmSync(file, { force: true });
}

describe.skipIf(process.getuid?.() !== 0)('U21: on a full disk (as root, which can mount one)', () => {
  test.each([
    ['daemon', (reeve: TestReeve) => killDaemon(reeve)],
    [
      'daemon and the keeper',
      async (reeve: TestReeve) => {
        await killDaemon(reeve);
        await killKeeper(reeve);
      },
    ],
  ])('U21: a crash and restart while the disk is full, and a kill of the %s: no second copy', async (_, die) => {
    await using reeve = startReeve();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', reeve.home]);
    try {
      reeve.project(two(reeve));
      expect((await reeve.run(['up', '-d'])).code).toBe(0);
      const free = fillDisk(reeve.home);
      const [, [b] = []] = pids(reeve);
      kill(b);
      await until('another copy of b runs', () => copiesOf(reeve, 'copy=b;').some((pid) => pid !== b));
      const before = pids(reeve);
      await die(reeve);
      free();
      await expectTheSame(reeve, before);
    } finally {
      await reeve.run(['daemon', 'stop', '--with-services']);
      execFileSync('umount', ['-l', reeve.home]);
    }
  });
});

describe('U21: a daemon whose home is taken from under it', () => {
  test.each([
    ['all of the home', (home: string) => rmSync(home, { recursive: true })],
    ['what is in run/', (home: string) => rmSync(path.join(home, 'run'), { recursive: true })],
  ])('U21: %s is removed: one daemon and one keeper afterwards, and what runs is taken over', async (_, remove) => {
    await using reeve = startReeve();
    reeve.project(two(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const before = pids(reeve);
    const old = { daemon: daemonOf(reeve) };
    remove(reeve.home);
    await expectTheSame(reeve, before);
    expect(daemonOf(reeve)).not.toBe(old.daemon);
  });

  test('U21: it gives up its role by itself, and says so', async () => {
    await using reeve = startReeve();
    reeve.project(two(reeve));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const before = pids(reeve);
    rmSync(path.join(reeve.home, 'run'), { recursive: true });
    await until('the daemon has gone', () => daemonOf(reeve) === undefined);
    const log = await reeve.run(['daemon', 'logs', '-n', '20']);
    expect(log.stdout).toContain('gives up its role');
    expect(pids(reeve)).toEqual(before);
    await expectTheSame(reeve, before);
  });
});

test('U21: an intent that could not be written down is not answered with done', async () => {
  await using reeve = startReeve();
  reeve.project(two(reeve));
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const hold =
    'import sqlite3,sys; d=sqlite3.connect(sys.argv[1],isolation_level=None); d.execute("BEGIN EXCLUSIVE"); print("held",flush=True); sys.stdin.read()';
  const holder = spawn('python3', ['-c', hold, path.join(reeve.home, 'reeve.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    await once(holder.stdout, 'data');
    const refused = await reeve.run(['stop', 'b']);
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('could not be saved');
    expect(copiesOf(reeve, 'copy=b;')).toEqual([]);
    holder.stdin.end();
    await once(holder, 'close');
    const stop = await reeve.json<Receipt>(['stop', 'b']);
    expect(stop.status).toBe('COMPLETE');
    await killDaemon(reeve);
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    expect(await serviceOf(reeve, 'b')).toMatchObject({ state: 'stopped', intent: 'down' });
  } finally {
    holder.kill('SIGKILL');
  }
});
