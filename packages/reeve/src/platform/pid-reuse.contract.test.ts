import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ProcessIdentity } from '@reeve/contract';
import { identify, loadSyscalls, markFrom, readStat } from '@reeve/host';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunProcesses } from '../core/interfaces.ts';
import { linuxPlatform } from './linux-platform.ts';

const NEXT = '/proc/sys/kernel/ns_last_pid';
const isRoot = process.getuid?.() === 0;
const mark = markFrom(new Uint8Array(7).fill(9));

let home: string;
let newcomer: ChildProcess | null = null;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'reeve-reuse-'));
});
afterEach(() => {
  newcomer?.kill('SIGKILL');
  newcomer = null;
  rmSync(home, { recursive: true });
});

interface Replaced {
  readonly main: ProcessIdentity;
  readonly processes: RunProcesses;
}

/** A main that has ended, and at once an innocent process with its pid: if `sameTick`, with its start tick too. */
async function replaced({ sameTick }: { readonly sameTick: boolean }): Promise<Replaced> {
  const platform = linuxPlatform({ home, cgroup: false });
  for (let attempt = 1; attempt <= 300; attempt++) {
    const env = { PATH: process.env['PATH'] ?? '', REEVE_RUN: 'r1', REEVE_HOME: home };
    const child = spawn('sleep', ['1000'], { env, detached: true, stdio: 'ignore' });
    const main = identify(child.pid ?? -1);
    if (main === null) throw new Error('sleep did not start');
    const marks = { run: 'r1', main, witness: { cookie: 'r1', cgroup: null }, mark, ports: [] };
    const processes = platform.track(marks);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    writeFileSync(NEXT, String(main.pid - 1));
    const innocent = spawn('sleep', ['1000'], { env: { PATH: env.PATH }, detached: true, stdio: 'ignore' });
    const isSamePid = innocent.pid === main.pid;
    if (isSamePid && (!sameTick || readStat(main.pid)?.start === main.start)) {
      newcomer = innocent;
      return { main, processes };
    }
    innocent.kill('SIGKILL');
    await once(innocent, 'exit');
    await processes.dispose();
  }
  throw new Error('no pid was given out again in 300 attempts');
}

/** Everything that could be sent to the run, is. */
async function strike({ processes }: Replaced): Promise<void> {
  await processes.signal('main', 'SIGTERM');
  await processes.signal('rest', 'SIGTERM');
  await processes.signal('all', 'SIGTERM');
  await processes.kill(Date.now() + 200);
}

describe.runIf(isRoot && loadSyscalls().available)('a pid that was given out again', () => {
  test('PI1: the newcomer is neither found nor signalled, and the run is gone', async () => {
    const run = await replaced({ sameTick: false });
    await strike(run);
    expect(readFileSync(`/proc/${run.main.pid}/stat`, 'utf8')).toMatch(/\(sleep\) [SDR]/);
    expect(newcomer?.signalCode).toBeNull();
    expect(await run.processes.scan()).toEqual([]);
  });

  test('PI2: nor is one with the same start tick: nothing of the run speaks for it', async () => {
    const run = await replaced({ sameTick: true });
    await strike(run);
    expect(readStat(run.main.pid)?.start).toBe(run.main.start);
    expect(newcomer?.signalCode).toBeNull();
    expect(await run.processes.scan()).toEqual([]);
    expect(run.processes.evidence().flatMap(({ signals }) => signals)).toEqual([]);
  });

  test('PI2: a later daemon, which never saw the first one, touches no process either and says which is there', async () => {
    const { main, processes } = await replaced({ sameTick: true });
    const later = linuxPlatform({ home, cgroup: false }).track(processes.marks);
    await strike({ main, processes: later });
    expect(newcomer?.signalCode).toBeNull();
    expect(readStat(main.pid)?.start).toBe(main.start);
    const [survivor] = await later.explainSurvivors('web');
    expect(survivor).toMatchObject({ pid: main.pid, why: expect.stringContaining('cannot verify that it is still') });
  });
});
