import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Exit, ProcessIdentity } from '@reeve/contract';
import { identify, isSame } from '@reeve/host';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { lookAt } from '../../../../test/harness/proc-scan.ts';
import { program } from '../../../../test/harness/program.ts';
import { until } from '../../../../test/harness/until.ts';
import type { Platform, RunMarks, RunProcesses } from '../core/interfaces.ts';
import { isPopulated, killCgroup, removeCgroup } from './cgroups.ts';
import { type LinuxPlatformOptions, linuxPlatform } from './linux-platform.ts';

let home: string;
const spawned: ChildProcess[] = [];
const cgroups: string[] = [];
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'reeve-platform-'));
});
afterEach(async () => {
  for (const child of spawned.splice(0)) child.kill('SIGKILL');
  for (const { process: left } of await linuxPlatform({ home }).findByCookie(home)) process.kill(left.pid, 'SIGKILL');
  for (const cgroup of cgroups.splice(0).filter((each) => existsSync(each))) await removeLeftover(cgroup);
  rmSync(home, { recursive: true });
});

/** A test that failed leaves its cgroup. */
async function removeLeftover(cgroup: string): Promise<void> {
  killCgroup(cgroup);
  await until('the cgroup is empty', () => !isPopulated(cgroup));
  removeCgroup(cgroup);
  if (readdirSync(path.dirname(cgroup), { withFileTypes: true }).every((entry) => !entry.isDirectory()))
    removeCgroup(path.dirname(cgroup));
}

const FREEZER = '/sys/fs/cgroup/freezer';
const hasCgroup = linuxPlatform({ home: '/probe' }).capabilities.some((c) => c.name === 'cgroup' && c.available);
const kinds: [string, Omit<LinuxPlatformOptions, 'home'>][] = [
  ...(hasCgroup ? [['with a cgroup', {}] as [string, object]] : []),
  ['without a cgroup', { cgroup: false }],
];

interface Started {
  readonly child: ChildProcess;
  readonly main: ProcessIdentity;
  readonly marks: RunMarks;
  readonly processes: RunProcesses;
  readonly cgroup: string | null;
  /** The next line it prints that begins with a word. */
  readonly line: (word: string) => Promise<string>;
  readonly ended: Promise<unknown[]>;
}

/** What the keeper does: into its own session, by a wrapper that enters the cgroup. */
async function start(platform: Platform, argv: readonly string[]): Promise<Started> {
  const run = randomUUID();
  const { cgroup, witness } = await platform.prepare('0123456789ab', run);
  if (cgroup !== null) cgroups.push(cgroup);
  const enter = ['sh', '-c', 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"', 'reeve-enter', cgroup ?? ''];
  const [command = '', ...args] = cgroup === null ? argv : [...enter, ...argv];
  const env = { PATH: process.env['PATH'] ?? '', REEVE_HOME: home, REEVE_RUN: run, REEVE_SERVICE: 'web' };
  const child = spawn(command, args, { detached: true, env, stdio: ['ignore', 'pipe', 'inherit'] });
  spawned.push(child);
  const main = identify(child.pid ?? -1);
  if (main === null) throw new Error(`${argv.join(' ')} did not start`);
  const marks = { run, main, witness, mark: null, ports: [] };
  const processes = platform.track(marks);
  const ended = once(child, 'exit');
  void ended.then(([code, signal]) => processes.exited(main, exitOf(code as number | null, signal as string | null)));
  return { child, main, marks, processes, cgroup, line: lineReader(child), ended };
}

function exitOf(code: number | null, signal: string | null): Exit {
  const at = new Date(0).toISOString();
  return signal === null ? { kind: 'code', code: code ?? 0, signal, at } : { kind: 'signal', code: null, signal, at };
}

function lineReader(child: ChildProcess): (word: string) => Promise<string> {
  let text = '';
  const changed = new EventTarget();
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    changed.dispatchEvent(new Event('data'));
  });
  return async (word) => {
    for (;;) {
      const line = text.split('\n').find((each, index, all) => index < all.length - 1 && each.startsWith(word));
      if (line !== undefined) return line;
      await once(changed, 'data');
    }
  };
}

/** Looked at from outside: neither alive nor a zombie with live threads. */
const isAlive = (pid: number) => lookAt(pid, '') !== null;
const pidOf = (line: string) => Number(line.split(' ').at(-1));
const inTime = () => Date.now() + 10_000;

describe.each(kinds)('%s', (_name, kind) => {
  const platform = () => linuxPlatform({ home, ...kind });

  test('main and its plain child are found, and none is left after a kill', async () => {
    const { processes, line, main, cgroup, ended } = await start(platform(), program('keeps-a-child'));
    const child = pidOf(await line('child'));
    await line('ready');
    const found = await processes.scan();
    expect(found.map((each) => each.process.pid).sort()).toEqual([main.pid, child].sort());
    const byTree = found.find((each) => each.process.pid === child);
    expect(byTree?.found_by).toEqual(expect.arrayContaining(['tree', 'session', 'group', 'cookie']));
    expect(byTree?.found_by.includes('cgroup')).toBe(cgroup !== null);
    expect(byTree?.command).toContain('stays.mjs');
    expect(byTree?.memory).toBeGreaterThan(1_000_000);
    expect(await processes.kill(inTime())).toEqual([]);
    expect(isAlive(child)).toBe(false);
    await ended;
    expect(processes.evidence().find((each) => each.pid === main.pid)).toMatchObject({
      signals: ['SIGKILL'],
      exit: { kind: 'signal', signal: 'SIGKILL' },
    });
    expect(processes.evidence().find((each) => each.pid === child)).toMatchObject({ signals: ['SIGKILL'], exit: null });
    expect(processes.promise.promise).toBe(cgroup === null ? 'best_effort' : 'verified');
    await processes.dispose();
    expect(cgroup !== null && existsSync(cgroup)).toBe(false);
  });

  test('the stop signal goes to main alone, then to the rest; gone says when the last has ended', async () => {
    const { processes, line, main, ended } = await start(platform(), program('keeps-a-child'));
    const child = pidOf(await line('child'));
    await line('ready');
    const gone = processes.gone(new AbortController().signal);
    await processes.signal('main', 'SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(isAlive(child)).toBe(true);
    expect((await processes.scan()).map((each) => each.process.pid)).toEqual([child]);
    await processes.signal('rest', 'SIGTERM');
    expect(await gone).toBe(true);
    expect(isAlive(child)).toBe(false);
    expect(processes.evidence().map((each) => [each.pid, each.signals])).toEqual([
      [main.pid, ['SIGTERM']],
      [child, ['SIGTERM']],
    ]);
    await processes.dispose();
  });

  test('a daemon in a session of its own is found by its cookie when the process between has gone', async () => {
    const { processes, line, ended } = await start(platform(), program('double-forks', 'main=exit'));
    const daemon = pidOf(await line('daemon'));
    await ended;
    const found = await processes.scan();
    expect(found.map((each) => each.process.pid)).toEqual([daemon]);
    expect(found[0]?.found_by).toContain('cookie');
    expect(await processes.kill(inTime())).toEqual([]);
    expect(isAlive(daemon)).toBe(false);
    await processes.dispose();
  });

  test('one that ignores the stop signal is killed', async () => {
    const { processes, line, ended } = await start(platform(), program('ignores-sigterm'));
    await line('ready');
    await processes.signal('all', 'SIGTERM');
    await line('ignored SIGTERM');
    expect(await processes.scan()).toHaveLength(1);
    expect(await processes.kill(inTime())).toEqual([]);
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(processes.evidence()[0]?.signals).toEqual(['SIGTERM', 'SIGKILL']);
    await processes.dispose();
  });

  test('one that forks when it is asked to stop leaves no process', async () => {
    const { processes, line, ended } = await start(platform(), program('forks-on-term'));
    await line('ready');
    await processes.signal('main', 'SIGTERM');
    const late = pidOf(await line('forked'));
    await ended;
    expect((await processes.scan()).map((each) => each.process.pid)).toEqual([late]);
    expect(await processes.kill(inTime())).toEqual([]);
    expect(isAlive(late)).toBe(false);
    await processes.dispose();
  });

  test('a stopped process hears the stop signal, because SIGCONT follows it', async () => {
    const { processes, main, ended, line } = await start(platform(), program('stays'));
    await line('ready');
    process.kill(main.pid, 'SIGSTOP');
    await until('it is stopped', () => /\) T /.test(readFileSync(`/proc/${main.pid}/stat`, 'utf8')));
    await processes.signal('main', 'SIGTERM');
    await ended;
    expect(await processes.gone(new AbortController().signal)).toBe(true);
    await processes.dispose();
  });

  test('a newcomer with the pid of main is neither found nor touched', async () => {
    const real = await start(platform(), ['sleep', '1000']);
    const recycled = { ...real.main, start: real.main.start - 1 };
    const witness = { cookie: 'another', cgroup: null };
    const processes = platform().track({ run: 'another', main: recycled, witness, mark: null, ports: [] });
    expect(await processes.scan()).toEqual([]);
    await processes.signal('all', 'SIGKILL');
    await processes.signal('main', 'SIGKILL');
    expect(await processes.kill(inTime())).toEqual([]);
    expect(await processes.gone(new AbortController().signal)).toBe(true);
    expect(isSame(real.main)).toBe(true);
    expect(processes.evidence()).toMatchObject([{ pid: real.main.pid, signals: [], exit: null }]);
    await real.processes.kill(inTime());
    await real.processes.dispose();
  });

  test('a later daemon finds the run by its marks', async () => {
    const { marks, line, ended } = await start(platform(), program('double-forks', 'main=exit'));
    const daemon = pidOf(await line('daemon'));
    await ended;
    const processes = platform().track(marks);
    expect((await processes.scan()).map((each) => each.process.pid)).toEqual([daemon]);
    expect(await processes.kill(inTime())).toEqual([]);
    await processes.dispose();
  });

  test('U11: of the listeners on a port its own are distinguished from others, also when a child holds them', async () => {
    const platform = linuxPlatform({ home, ...kind });
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { processes } = await start(platform, ['sleep', '600']);
    const alone = [{ port, address: '127.0.0.1', holder: 'other' }];
    const seenBy = async (run: RunProcesses) =>
      (await run.listening([port])).toSorted((a, b) => a.address.localeCompare(b.address));
    expect(await seenBy(processes)).toEqual(alone);
    const listen = `require('net').createServer().listen(${port}, '127.0.0.2', () => console.log('open 127.0.0.2'))`;
    const ours = await start(platform, ['sh', '-c', '"$@" & wait', 'sh', process.execPath, '-e', listen]);
    await ours.line('open');
    const own = [...alone, { port, address: '127.0.0.2', holder: 'run' }];
    expect(await seenBy(ours.processes)).toEqual(own);
    expect(await seenBy(processes)).toEqual(own.map((one) => ({ ...one, holder: 'other' })));
    for (const run of [ours.processes, processes]) expect(await run.kill(inTime())).toEqual([]);
    expect(await seenBy(ours.processes)).toEqual(alone);
  });

  test('U11: a listener that has left the session of its run is still its own', async () => {
    const platform = linuxPlatform({ home, ...kind });
    const listen = `const s = require('net').createServer().listen(0, '::1', () => console.log('port ' + s.address().port))`;
    const { processes, line } = await start(platform, [
      'sh',
      '-c',
      'setsid "$@" & wait',
      'sh',
      process.execPath,
      '-e',
      listen,
    ]);
    const port = Number((await line('port')).split(' ')[1]);
    expect(await processes.listening([port, port + 1])).toEqual([{ port, address: '::1', holder: 'run' }]);
    expect(await processes.kill(inTime())).toEqual([]);
  });

  test('waiting for the end can be given up', async () => {
    const { processes } = await start(platform(), ['sleep', '1000']);
    const stop = new AbortController();
    const gone = processes.gone(stop.signal);
    stop.abort();
    expect(await gone).toBe(false);
    expect(await processes.gone(stop.signal)).toBe(false);
    await processes.kill(inTime());
    await processes.dispose();
  });

  test('a process whose main thread has ended is alive, and is ended', async () => {
    const threads =
      'import ctypes,threading,time\nthreading.Thread(target=time.sleep,args=(1000,)).start()\nctypes.CDLL(None).pthread_exit(None)';
    const { processes, main, ended } = await start(platform(), ['python3', '-c', threads]);
    await until('its main thread is a zombie', () => /\) Z /.test(readFileSync(`/proc/${main.pid}/stat`, 'utf8')));
    expect(await processes.scan()).toMatchObject([{ process: main }]);
    expect((await processes.explainSurvivors('web'))[0]?.why).toMatch(/main thread has exited, 1 of its threads/);
    expect(await processes.kill(inTime())).toEqual([]);
    expect(await ended).toEqual([null, 'SIGKILL']);
    await processes.dispose();
  });

  test('those who carry the cookie of the home are found, with what they say about themselves', async () => {
    const one = await start(platform(), ['sleep', '1000']);
    const found = await until('the wrapper has become sleep', async () => {
      const all = await platform().findByCookie(home);
      return all[0]?.command === 'sleep 1000' ? all : null;
    });
    expect(found).toMatchObject([{ process: one.main, run: one.marks.run, service: 'web', project: null }]);
    expect(await platform().findByCookie(`${home}x`)).toEqual([]);
    await one.processes.kill(inTime());
    await one.processes.dispose();
    expect(await platform().findByCookie(home)).toEqual([]);
  });
});

describe.runIf(hasCgroup)('with a cgroup', () => {
  const platform = () => linuxPlatform({ home });

  test('a daemon that double-forks, leaves the session and clears its environment does not escape', async () => {
    const { processes, line, ended, cgroup } = await start(
      platform(),
      program('double-forks', 'main=exit', 'env=clear'),
    );
    const daemon = pidOf(await line('daemon'));
    await ended;
    expect(await processes.scan()).toMatchObject([{ process: { pid: daemon }, found_by: ['cgroup'] }]);
    expect(processes.promise).toEqual({ promise: 'verified', reason: 'cgroup v2, populated 1' });
    expect(await processes.kill(inTime())).toEqual([]);
    expect(isAlive(daemon)).toBe(false);
    expect(processes.promise).toEqual({ promise: 'verified', reason: 'cgroup v2, populated 0' });
    await processes.dispose();
    expect(existsSync(cgroup ?? '')).toBe(false);
  });

  test('the twin without the tracker misses it, so this test can see', async () => {
    const { processes, line, ended, main } = await start(platform(), program('double-forks', 'main=exit', 'env=clear'));
    const daemon = pidOf(await line('daemon'));
    await ended;
    const blind = linuxPlatform({ home, trackers: { cgroup: false } }).track({ ...processes.marks, main });
    expect(await blind.scan()).toEqual([]);
    expect(blind.promise.promise).toBe('best_effort');
    expect(isAlive(daemon)).toBe(true);
    await processes.kill(inTime());
    await processes.dispose();
  });

  test('a kill of the cgroup alone ends every process in it', async () => {
    const { line, ended, cgroup, processes } = await start(platform(), program('double-forks', 'env=clear'));
    const daemon = pidOf(await line('daemon'));
    expect(killCgroup(cgroup ?? '')).toBe(true);
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(await processes.gone(new AbortController().signal)).toBe(true);
    expect(isAlive(daemon)).toBe(false);
    await processes.dispose();
    expect(killCgroup(cgroup ?? '')).toBe(false);
  });

  test('a cgroup with someone in it is not removed', async () => {
    const { processes, cgroup } = await start(platform(), ['sleep', '1000']);
    await until('it has entered', () => readFileSync(`${cgroup}/cgroup.procs`, 'utf8') !== '');
    await expect(processes.dispose()).rejects.toThrow(/EBUSY/);
    expect(await processes.kill(inTime())).toEqual([]);
    await processes.dispose();
    expect(existsSync(cgroup ?? '')).toBe(false);
  });

  test('nested cgroups of the service are killed and removed with it', async () => {
    const inner = 'mkdir "$0/inner" && echo 0 >"$0/inner/cgroup.procs" && echo inside $$ && sleep 1000; :';
    const run = await start(platform(), ['sh', '-c', 'echo ready; read x </dev/null; sleep 1000']);
    await run.line('ready');
    const nested = spawn('sh', ['-c', inner, run.cgroup ?? ''], { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
    spawned.push(nested);
    await once(nested.stdout, 'data');
    expect((await run.processes.scan()).map((each) => each.process.pid)).toContain(nested.pid);
    expect(await run.processes.kill(inTime())).toEqual([]);
    await run.processes.dispose();
    expect(existsSync(run.cgroup ?? '')).toBe(false);
  });

  test('a run that left the cgroup is still stopped, and the promise says so', async () => {
    const run = await start(platform(), program('stays'));
    await until('it has entered', () => readFileSync(`${run.cgroup}/cgroup.procs`, 'utf8') !== '');
    const outside = path.join(run.cgroup ?? '', '../../cgroup.procs');
    const mover = spawn('sh', ['-c', `echo ${run.main.pid} > '${outside}'`], { stdio: 'inherit' });
    expect(await once(mover, 'exit')).toEqual([0, null]);
    await until('it is old enough not to be still entering', () => {
      const uptime = Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
      return uptime - run.main.start / 100 > 1.1;
    });
    expect(await run.processes.kill(inTime())).toEqual([]);
    await run.ended;
    expect(run.processes.promise).toMatchObject({ promise: 'best_effort' });
    expect(run.processes.promise.reason).toContain(`pid ${run.main.pid}`);
    await run.processes.dispose();
  });

  test('a process that hops from session to session is caught', async () => {
    const hop =
      'import os,time\nfor i in range(100000):\n  if os.fork(): os._exit(0)\n  os.setsid()\n  os.environ.clear()\n  if i == 5: print("hopping", flush=True)\n  time.sleep(0.002)';
    const { processes, line, cgroup } = await start(platform(), ['python3', '-c', hop]);
    await line('hopping');
    expect(await processes.kill(inTime())).toEqual([]);
    expect(readFileSync(`${cgroup}/cgroup.events`, 'utf8')).toMatch(/populated 0/);
    await processes.dispose();
    expect(existsSync(cgroup ?? '')).toBe(false);
  });

  test.runIf(existsSync(FREEZER))('one that cannot be killed is named, and goes when it can be', async () => {
    const { processes, main, cgroup } = await start(platform(), ['sleep', '1000']);
    await until('it has entered', () => readFileSync(`${cgroup}/cgroup.procs`, 'utf8') !== '');
    const freezer = mkdtempSync(path.join(FREEZER, 'reeve-test-'));
    try {
      writeFileSync(`${freezer}/cgroup.procs`, String(main.pid));
      writeFileSync(`${freezer}/freezer.state`, 'FROZEN');
      await until('it is frozen', () => readFileSync(`${freezer}/freezer.state`, 'utf8') === 'FROZEN\n');
      expect(await processes.kill(Date.now() + 100)).toMatchObject([{ process: main }]);
      const [survivor] = await processes.explainSurvivors('web');
      expect(survivor).toMatchObject({ pid: main.pid, why: expect.stringMatching(/frozen|uninterruptible/) });
      writeFileSync(`${freezer}/freezer.state`, 'THAWED');
      expect(await processes.kill(inTime())).toEqual([]);
      await processes.dispose();
    } finally {
      writeFileSync(`${freezer}/freezer.state`, 'THAWED');
      await until('the freezer is empty', () => readFileSync(`${freezer}/cgroup.procs`, 'utf8') === '');
      rmdirSync(freezer);
    }
  });

  test('the folder of the home goes with its last run', async () => {
    const one = platform();
    const [a, b] = [await start(one, ['sleep', '1000']), await start(one, ['sleep', '1000'])];
    const folder = path.dirname(a.cgroup ?? '');
    await a.processes.kill(inTime());
    await a.processes.dispose();
    expect(readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory())).toHaveLength(1);
    await b.processes.kill(inTime());
    await b.processes.dispose();
    expect(existsSync(folder)).toBe(false);
  });
});

describe('without a cgroup', () => {
  const off = (trackers = {}) => linuxPlatform({ home, cgroup: false, trackers });

  test('a start does not need one, and the reason is given', async () => {
    const platform = off();
    expect(await platform.prepare('0123456789ab', 'r1')).toEqual({
      cgroup: null,
      witness: { cookie: 'r1', cgroup: null },
    });
    expect(platform.capabilities.find((each) => each.name === 'cgroup')).toEqual({
      name: 'cgroup',
      available: false,
      why: 'no writable cgroup: switched off',
    });
    const { promise, reason } = platform.track({
      run: 'r1',
      main: null,
      witness: { cookie: 'r1', cgroup: null },
      mark: null,
      ports: [],
    }).promise;
    expect(promise).toBe('best_effort');
    expect(reason).toMatch(/no writable cgroup.*cannot be seen/);
  });

  test('main that emptied its environment is still known, and stopped', async () => {
    const { processes, line, main } = await start(off(), program('clears-its-env'));
    await line('environment has');
    expect(await processes.scan()).toMatchObject([{ process: main }]);
    expect(await processes.kill(inTime())).toEqual([]);
    expect(isSame(main)).toBe(false);
  });

  test('a daemon seen before its parents went stays known, though nothing else shows it', async () => {
    const { processes, line, child } = await start(off(), program('double-forks'));
    const daemon = pidOf(await line('daemon'));
    await processes.scan();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const blind = off({ cookie: false, session: false, tree: false }).track(processes.marks);
    expect(await blind.scan()).toEqual([]);
    expect((await processes.scan()).map((each) => each.process.pid)).toEqual([daemon]);
    expect(await processes.kill(inTime())).toEqual([]);
    expect(isAlive(daemon)).toBe(false);
  });

  test('many runs that look at once share one scan', async () => {
    const platform = off();
    const runs = await Promise.all(Array.from({ length: 20 }, () => start(platform, ['sleep', '1000'])));
    expect(await Promise.all(runs.map((run) => run.processes.kill(inTime())))).toEqual(runs.map(() => []));
    await Promise.all(runs.map((run) => run.ended));
    expect(runs.filter((run) => isSame(run.main))).toEqual([]);
  });
});

test('a survivor is explained', async () => {
  const { processes, main } = await start(linuxPlatform({ home }), ['sleep', '1000']);
  const [survivor] = await processes.explainSurvivors('web');
  expect(survivor).toMatchObject({ service: 'web', pid: main.pid, why: expect.stringMatching(/state/) });
  await processes.kill(inTime());
  expect(await processes.explainSurvivors('web')).toEqual([]);
  await processes.dispose();
});

test('users, groups, listeners and identities are those of the system', async () => {
  const platform = linuxPlatform({ home });
  expect(await platform.findUser('root')).toMatchObject({ uid: 0, gid: 0 });
  expect(await platform.findUser('no-such-user')).toBeNull();
  expect(await platform.findGroup('root')).toBe(0);
  expect(await platform.findGroup('no-such-group')).toBeNull();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const listener = (await platform.listeners()).find((each) => each.port === port);
  expect(listener).toMatchObject({ protocol: 'tcp', process: { pid: process.pid } });
  expect(listener?.process && platform.isAlive(listener.process)).toBe(true);
  server.close();
});

test('a name that would lead out of the folder makes no cgroup', async () => {
  await expect(async () => linuxPlatform({ home }).prepare('..', '../x')).rejects.toThrow(/not the name/);
});
