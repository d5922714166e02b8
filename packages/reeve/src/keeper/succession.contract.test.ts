import { spawn as spawnProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JournalRecord } from '@reeve/contract';
import { isSame } from '@reeve/host';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestKeeper } from '../../../../test/harness/keeper.ts';
import { until } from '../../../../test/harness/until.ts';

let keeper: TestKeeper;
beforeEach(async () => {
  keeper = await TestKeeper.start();
});
afterEach(() => keeper[Symbol.asyncDispose]());

const journal = () => path.join(keeper.home, 'keeper', 'journal.ndjson');
const ofRun = (run: string) => keeper.records.filter((record) => record.run === run);
const kinds = (run: string) => ofRun(run).map(({ kind }) => kind);

describe('a keeper is killed while a service prints, and another one takes over', () => {
  const printer = `
import os, sys, time
n = 0
while not os.path.exists(sys.argv[1]):
    n += 1
    os.write(1, b"line %d\\n" % n)
    time.sleep(0.002)
os.write(1, b"end")
`;

  test('no gap, no repeat, no SIGPIPE, over several deaths; the exit is unobserved', async () => {
    const stop = path.join(keeper.home, 'stop');
    const { run, id, process: identity } = await keeper.spawn(['python3', '-c', printer, stop]);
    const printed = () => keeper.log(id).split('\n').length - 1;
    for (let death = 0; death < 3; death += 1) {
      const before = printed();
      await until('it prints', () => printed() > before + 10);
      await keeper.kill();
      expect(isSame(identity)).toBe(true);
      await keeper.connect();
      expect(keeper.link.runs).toEqual([{ run, id, process: identity, exit: null }]);
    }
    writeFileSync(stop, '');
    expect((await keeper.ended(run)).exit).toMatchObject({ kind: 'unobserved', code: null, signal: null });
    expect(keeper.log(id)).toBe(`${Array.from({ length: printed() }, (_, n) => `line ${n + 1}\n`).join('')}end`);
    expect(kinds(run)).toEqual(['spawned', 'exited']);
  });
});

test('a run that ends while no keeper is there is reported as unobserved, with a gap', async () => {
  const { run, process: identity } = await keeper.spawn(['sleep', '1000']);
  await keeper.kill();
  process.kill(identity.pid, 'SIGKILL');
  await until('it is gone', () => !isSame(identity));
  await keeper.connect();
  await keeper.ended(run);
  await until('the gap is reported', () => kinds(run).length === 3);
  expect(kinds(run)).toEqual(['spawned', 'exited', 'gap']);
  expect(keeper.link.runs).toMatchObject([{ run, exit: { kind: 'unobserved' } }]);
  await keeper.link.release(run);
  await until('it is released', () => kinds(run).includes('released'));
  expect(readdirSync(path.join(keeper.home, 'fifo'))).toEqual([]);
});

test('an exit that was seen stays known to the next keeper', async () => {
  const { run } = await keeper.run(['sh', '-c', 'exit 41']);
  await keeper.kill();
  await keeper.connect(0);
  expect(keeper.link.runs).toMatchObject([{ run, exit: { kind: 'code', code: 41 } }]);
  expect(ofRun(run).filter(({ kind }) => kind === 'exited')).toHaveLength(2); // once as it happened, once replayed
  expect(new Set(ofRun(run).map(({ seq }) => seq)).size).toBe(2);
});

test('runs of another boot are over, and their pids are not looked at', async () => {
  const { run, process: identity } = await keeper.spawn(['sleep', '1000']);
  await keeper.kill();
  writeFileSync(journal(), readFileSync(journal(), 'utf8').replaceAll(identity.boot, 'another-boot'));
  await keeper.connect();
  expect((await keeper.ended(run)).exit.kind).toBe('unobserved');
  expect(isSame(identity)).toBe(true);
});

test('a torn last line of the journal, and rubbish in it, are left out', async () => {
  const { run } = await keeper.run(['true']);
  await keeper.kill();
  appendFileSync(journal(), 'rubbish\n{"seq":99,"kind":"exi');
  await keeper.connect();
  const next = await keeper.run(['true']);
  expect(kinds(next.run)).toEqual(['spawned', 'exited']);
  const lines = readFileSync(journal(), 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line !== 'rubbish');
  expect(lines.map((line) => (JSON.parse(line) as JournalRecord).run)).toEqual([run, run, next.run, next.run]);
});

test('numbers continue, and what is acknowledged is forgotten, but for what is held', async () => {
  const held = await keeper.spawn(['sleep', '1000']);
  for (let n = 0; n < 120; n += 1) {
    const { run } = await keeper.run(['true']);
    await keeper.link.release(run);
  }
  const last = await until('all is reported', () => keeper.records.length === 361 && keeper.records.at(-1)?.seq);
  const before = statSync(journal()).size;
  keeper.link.acknowledge(last);
  await until('the journal is shorter', () => statSync(journal()).size < before / 50);
  await keeper.kill();
  await keeper.connect(last);
  expect(keeper.link.runs).toMatchObject([{ run: held.run, exit: null }]);
  const { ended } = await keeper.run(['true']);
  expect(ended.seq).toBe(last + 2);
});

test('a journal that was lost does not make new records look old', async () => {
  await keeper.kill();
  await keeper.connect(1000);
  const { ended } = await keeper.run(['true']);
  expect(ended.seq).toBe(1002);
});

describe('one keeper for a home', () => {
  const start = () =>
    spawnProcess(keeper.program[0] ?? '', [...keeper.program.slice(1), keeper.home], { stdio: 'ignore' });

  test('a second one ends with 5', async () => {
    expect(await once(start(), 'exit')).toEqual([5, null]);
  });

  test('many starters at once get the same one', async () => {
    await keeper.kill();
    await Promise.all(Array.from({ length: 6 }, () => keeper.connect()));
    const pids = new Set<number>();
    for (let n = 0; n < 3; n += 1) pids.add((await keeper.connect()).pid);
    expect(pids.size).toBe(1);
  });

  test('a socket that a dead keeper left is not an obstacle', async () => {
    await keeper.kill();
    expect(existsSync(path.join(keeper.home, 'run', 'keeper.sock'))).toBe(true);
    await keeper.connect();
    expect((await keeper.run(['true'])).ended.exit.code).toBe(0);
    expect(statSync(path.join(keeper.home, 'run', 'keeper.sock')).mode & 0o777).toBe(0o600);
  });

  test('signals do not end it while it holds a run; SIGTERM does when it holds none', async () => {
    const { run } = await keeper.run(['true']);
    const { pid } = keeper.link;
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGPIPE', 'SIGTERM']) process.kill(pid, signal);
    expect((await keeper.run(['true'])).ended.exit.code).toBe(0);
    expect(keeper.lost).toBe(0);
    for (const held of [run, ...keeper.records.flatMap((record) => record.run ?? [])]) await keeper.link.release(held);
    process.kill(pid, 'SIGTERM');
    await until('it is gone', () => keeper.lost === 1);
  });

  test('it leaves when it is asked to: at once, or when its last run is released', async () => {
    const { run } = await keeper.run(['true']);
    await keeper.link.leave();
    expect((await keeper.run(['true'])).ended.exit.code).toBe(0); // new work: the wish is void
    await keeper.link.leave();
    expect(keeper.lost).toBe(0);
    for (const held of keeper.records.flatMap((record) => (record.kind === 'spawned' ? record.run : [])))
      await keeper.link.release(held);
    expect(run).toBeDefined();
    await until('it is gone', () => keeper.lost === 1);
  });
});

test('two daemons at once hear the same', async () => {
  const first = keeper.link;
  const heard = keeper.records.length;
  await keeper.connect(0);
  const { run } = await keeper.run(['true']);
  await until('both have heard', () => ofRun(run).length === 4);
  expect(
    keeper.records
      .slice(heard)
      .map(({ seq }) => seq)
      .sort(),
  ).toEqual([1, 1, 2, 2]);
  first.close();
});
