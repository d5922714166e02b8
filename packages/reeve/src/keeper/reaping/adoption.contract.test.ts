import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { JournalRecord } from '@reeve/contract';
import { loadSyscalls, markFrom, markOf, readStat, scanStats } from '@reeve/host';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TestKeeper } from '../../../../../test/harness/keeper.ts';
import { program } from '../../../../../test/harness/program.ts';
import { until } from '../../../../../test/harness/until.ts';

type Reaped = Extract<JournalRecord, { kind: 'reaped' }>;

let keeper: TestKeeper;
beforeEach(async () => {
  keeper = await TestKeeper.start();
});
afterEach(() => keeper[Symbol.asyncDispose]());

const mark = (byte: number) => markFrom(new Uint8Array(7).fill(byte));
const reaped = () => keeper.records.filter((record): record is Reaped => record.kind === 'reaped');
const zombies = () => scanStats().filter(({ ppid, state }) => ppid === keeper.link.pid && state === 'Z');

/** A process that has detached itself with nothing but its limits left; its main has ended. */
async function detached(byte: number, ...args: readonly string[]): Promise<{ run: string; pid: number }> {
  const file = path.join(keeper.home, `pid-${byte}`);
  const argv = program('detaches', `file=${file}`, 'main=exit', ...args);
  const { run } = await keeper.run(argv, { mark: mark(byte) });
  expect(existsSync(file)).toBe(true);
  return { run, pid: Number(readFileSync(file, 'utf8')) };
}

describe.runIf(loadSyscalls().available)('a keeper with the system-call binding', () => {
  test('says so, and marks what it spawns but not itself, nor those without a mark', async () => {
    expect(keeper.link.noAdoption).toBeNull();
    const marked = await keeper.spawn(['sleep', '1000'], { mark: mark(1) });
    const plain = await keeper.spawn(['sleep', '1000']);
    const wrapped = await keeper.spawn(['sleep', '1000'], { mark: mark(2), nice: 1 });
    const pids = [marked.process.pid, plain.process.pid, wrapped.process.pid, keeper.link.pid];
    expect(pids.map(markOf)).toEqual([mark(1), null, mark(2), null]);
  });

  test('CB1: what double-forks, changes its session, empties its environment and closes all lands under it, marked', async () => {
    const one = await detached(1, 'end=37');
    const two = await detached(2, 'end=0');
    expect([one.pid, two.pid].map((pid) => [readStat(pid)?.ppid, markOf(pid)])).toEqual([
      [keeper.link.pid, mark(1)],
      [keeper.link.pid, mark(2)],
    ]);
    const start = readStat(one.pid)?.start;
    process.kill(one.pid, 'SIGUSR1');
    const told = await until('its end is reported', () => reaped().find(({ process }) => process.pid === one.pid));
    expect(told).toMatchObject({ run: one.run, process: { start }, exit: { kind: 'code', code: 37, signal: null } });
    process.kill(two.pid, 34 + 3);
    const other = await until('its end is reported', () => reaped().find(({ process }) => process.pid === two.pid));
    expect(other).toMatchObject({ run: two.run, exit: { kind: 'signal', code: null, signal: 'SIGRTMIN+3' } });
    expect(zombies()).toEqual([]);
  });

  test('one that has reset its limits is reaped too, and told as nobody’s', async () => {
    const { pid } = await detached(1, 'end=5', 'reset=limits');
    process.kill(pid, 'SIGUSR1');
    const told = await until('its end is reported', () => reaped().find(({ process }) => process.pid === pid));
    expect(told).toMatchObject({ run: null, id: null, exit: { code: 5 } });
  });

  test('a thousand orphans leave no zombie, and the exit codes of its own children stay right', async () => {
    const orphans = 'i=0; while [ $i -lt 100 ]; do (true & ) ; i=$((i+1)); done; exit';
    const runs = Array.from({ length: 10 }, (_, n) => keeper.run(['sh', '-c', `${orphans} ${n}`], { mark: mark(n) }));
    expect((await Promise.all(runs)).map(({ ended }) => ended.exit.code)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await until('all are reaped', () => zombies().length === 0);
  });

  test('one that was started with its adopting switched off still marks, and orphans land elsewhere', async () => {
    await keeper[Symbol.asyncDispose]();
    vi.stubEnv('REEVE_TRACKERS_OFF', 'port,subreaper');
    keeper = await TestKeeper.start().finally(() => vi.unstubAllEnvs());
    const { pid } = await detached(1, 'end=0');
    expect(markOf(pid)).toBe(mark(1));
    expect(readStat(pid)?.ppid).not.toBe(keeper.link.pid);
    process.kill(pid, 'SIGUSR1');
    await until('it has ended', () => (readStat(pid)?.state ?? 'Z') === 'Z');
    expect(reaped()).toEqual([]);
  });
});
