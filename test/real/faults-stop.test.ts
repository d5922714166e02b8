import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import type { PsView, Receipt } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { copiesOf, eventsOf, linesOf, serviceOf, untilService } from '../harness/ask.ts';
import { startClient } from '../harness/client.ts';
import { cgroup2Mount } from '../harness/outside-cgroup.ts';
import { isStillThere, lookAt, type SeenProcess } from '../harness/proc-scan.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const isRoot = process.getuid?.() === 0;
/** The system's own: one below a user's home is not for every user. */
const PYTHON = '/usr/bin/python3';
const FREEZER = '/sys/fs/cgroup/freezer';
/** 1,000 sleepers need some 2 GB of address space for page tables and stacks; a small machine gets fewer. */
const SLEEPERS = totalmem() < 4e9 ? 200 : 1000;

const seen = (pid: number): SeenProcess => {
  const found = lookAt(pid, 'by pid');
  if (found === null) throw new Error(`no such process: ${pid}`);
  return found;
};

test(`KC1: ${SLEEPERS} sleepers under one service are all ended, and all in the receipt`, async () => {
  await using reeve = startReeve();
  const script = `i=0; while [ $i -lt ${SLEEPERS} ]; do sleep 1000 & i=$((i+1)); done; echo all there; wait`;
  reeve.project({ services: { many: { command: ['sh', '-c', script], ready: { log: 'all there' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  expect(copiesOf(reeve, 'sleep 1000').length).toBeGreaterThanOrEqual(SLEEPERS);
  const receipt = await reeve.json<Receipt>(['stop']);
  expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [] });
  expect(receipt.services[0]?.processes.length).toBeGreaterThanOrEqual(SLEEPERS + 1);
  expect(copiesOf(reeve, 'sleep 1000')).toEqual([]);
});

describe('KC3: a program that takes its time after SIGTERM', () => {
  test.each([
    ['ends by itself when it is done within the grace', 700, { kind: 'code', code: 4 }, ['SIGTERM']],
    ['gets SIGKILL when the grace is over', 60_000, { kind: 'signal', signal: 'SIGKILL' }, ['SIGTERM', 'SIGKILL']],
  ])('%s', async (_what, ms, exit, signals) => {
    await using reeve = startReeve();
    const command = [...reeve.program('slow-on-term', `ms=${ms}`, 'code=4')];
    const timeout = ms > 5000 ? '1s' : '20s';
    reeve.project({ services: { slow: { command, ready: { log: 'ready' }, stop: { timeout } } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.status).toBe('COMPLETE');
    expect(receipt.services[0]?.processes).toMatchObject([{ signals, exit }]);
  });
});

describe('KC6: a stop at any moment of a start is done at once, and nothing starts later', () => {
  test('during back-off', async () => {
    await using reeve = startReeve();
    const restart = { policy: 'always', backoff: '1h..1h', limit: 'none' };
    reeve.project({ services: { bad: { command: 'exit 3', restart, ready: { log: 'never' } } } });
    await reeve.run(['up', '-d', '--no-wait']);
    await untilService(reeve, 'bad', (s) => s.state === 'backoff');
    expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
    expect(await serviceOf(reeve, 'bad')).toMatchObject({ state: 'stopped', intent: 'down', pid: null });
    expect((await eventsOf(reeve, 'bad')).filter((e) => e.event === 'service.started')).toHaveLength(1);
  });

  test('while its readiness is waited for', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { slow: { command: [...reeve.program('stays')], ready: { log: 'never said' } } } });
    const up = reeve.start(['up', '-d']);
    await untilService(reeve, 'slow', (s) => s.state === 'starting' && s.pid !== null);
    expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
    expect((await up.ended).code).not.toBe(0);
    expect(await serviceOf(reeve, 'slow')).toMatchObject({ state: 'stopped', intent: 'down' });
    expect(copiesOf(reeve, 'stays')).toEqual([]);
  });

  test('while it waits for what it depends on', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        base: { command: [...reeve.program('stays')], ready: { log: 'never said' } },
        top: { command: [...reeve.program('stays', 'copy=top;')], depends_on: ['base'] },
      },
    });
    await reeve.run(['up', '-d', '--no-wait']);
    await untilService(reeve, 'top', (s) => s.state === 'waiting');
    expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
    expect(await eventsOf(reeve, 'top')).not.toContainEqual(expect.objectContaining({ event: 'service.started' }));
    expect(copiesOf(reeve, 'copy=top;')).toEqual([]);
  });

  test('a start during back-off does not wait for the end of the pause', async () => {
    await using reeve = startReeve();
    const gate = path.join(reeve.folder, 'gate');
    const command = ['sh', '-c', `test -e ${gate} || exit 3; echo open; exec sleep 1000`];
    reeve.project({
      services: {
        late: { command, restart: { policy: 'always', backoff: '1h..1h', limit: 'none' }, ready: { log: 'open' } },
      },
    });
    await reeve.run(['up', '-d', '--no-wait']);
    await untilService(reeve, 'late', (s) => s.state === 'backoff');
    writeFileSync(gate, '');
    const start = await reeve.run(['start', 'late']);
    expect(start.code, start.stderr).toBe(0);
    expect(await serviceOf(reeve, 'late')).toMatchObject({ state: 'running', restarts: 1 });
  });
});

describe.runIf(isRoot && cgroup2Mount() !== null)('KC7: a service that makes cgroups below its own', () => {
  test('is ended whole, and no folder of it is left', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { nests: { command: [...reeve.program('nests-cgroups')], ready: { log: 'nested' } } } });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    const folder = (await linesOf(reeve, 'nests')).find((l) => l.startsWith('nested '))?.slice('nested '.length) ?? '';
    expect(existsSync(folder)).toBe(true);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt).toMatchObject({ status: 'COMPLETE', services: [{ name: 'nests', promise: 'verified' }] });
    expect(receipt.services[0]?.processes).toHaveLength(3);
    expect(existsSync(path.dirname(path.dirname(folder))), 'the cgroup of the run').toBe(false);
  });
});

test('KC9: of ten services in order one hangs: the others end, in reverse order, and the receipt names it', async () => {
  await using reeve = startReeve();
  const stays = (name: string) => ({ command: [...reeve.program('stays', `copy=${name};`)], ready: { log: 'ready' } });
  const chain = ['a1', 'a2', 'a3', 'a4', 'a5'];
  const other = ['b1', 'b2', 'b3', 'b4'];
  const link = (names: readonly string[]) =>
    names.map((name, i) => [name, { ...stays(name), depends_on: i === 0 ? [] : [names[i - 1]] }] as const);
  reeve.project({
    services: {
      ...Object.fromEntries([...link(chain), ...link(other)]),
      hangs: {
        command: [...reeve.program('ignores-sigterm')],
        ready: { log: 'ready' },
        depends_on: ['b2'],
        stop: { timeout: '3s' },
      },
    },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const receipt = await reeve.json<Receipt>(['stop']);
  expect(receipt.status).toBe('COMPLETE');
  const killed = receipt.services.filter((s) => s.processes.some((p) => p.signals.includes('SIGKILL')));
  expect(killed.map((s) => s.name)).toEqual(['hangs']);
  const stopped = (await eventsOf(reeve)).filter((e) => e.event === 'service.stopped').map((e) => e.service);
  const order = (names: readonly string[]) => stopped.filter((name) => names.includes(name ?? ''));
  expect(order(chain)).toEqual(chain.toReversed());
  expect(order(other)).toEqual(other.toReversed());
  expect(order(['hangs', 'b2']), 'what it depends on waited for it').toEqual(['hangs', 'b2']);
  expect(order(['a1', 'b4', 'hangs']).at(-1), 'the others did not').toBe('hangs');
});

describe('KC11: something interrupts a stop', () => {
  const deaf = (command: readonly string[], timeout: string) => ({
    services: { deaf: { command: [...command], ready: { log: 'ready' }, stop: { timeout } } },
  });

  test('a second stop joins the first, and a forced one ends it', async () => {
    await using reeve = startReeve();
    reeve.project(deaf(reeve.program('ignores-sigterm'), '10m'));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const first = reeve.start(['stop', '--json']);
    await untilService(reeve, 'deaf', (s) => s.state === 'stopping');
    const second = reeve.start(['stop', '--json']);
    const forced = await reeve.run(['stop', '--force', '--json']);
    expect(forced.code, forced.stderr).toBe(0);
    for (const each of [first, second]) {
      const { code, stdout } = await each.ended;
      expect(code, stdout).toBe(0);
    }
    expect((await eventsOf(reeve)).filter((e) => e.event === 'service.stopping')).toHaveLength(1);
    expect(copiesOf(reeve, '/programs/')).toEqual([]);
  });

  test('SIGTERM to the daemon: the next one finishes the stop', async () => {
    await using reeve = startReeve();
    reeve.project(deaf(reeve.program('ignores-sigterm'), '1500ms'));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const stop = reeve.start(['stop']);
    await untilService(reeve, 'deaf', (s) => s.state === 'stopping');
    const { pid } = (await reeve.json<PsView>(['ps'])).daemon;
    process.kill(Number(pid), 'SIGTERM');
    await stop.ended;
    await until('that daemon has gone', () => lookAt(Number(pid), '') === null);
    expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
    expect(copiesOf(reeve, '/programs/')).toEqual([]);
  });

  test('SIGKILL of the daemon: the next one finishes the stop, and starts nothing', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        deaf: {
          command: [...reeve.program('ignores-sigterm')],
          ready: { log: 'ready' },
          stop: { timeout: '1500ms' },
        },
        base: { command: [...reeve.program('stays')], ready: { log: 'ready' } },
        top: { command: [...reeve.program('ignores-sigterm')], ready: { log: 'ready' }, depends_on: ['base'] },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const stop = reeve.start(['stop', '--timeout', '20s']);
    await untilService(reeve, 'deaf', (s) => s.state === 'stopping');
    process.kill(Number((await reeve.json<PsView>(['ps'])).daemon.pid), 'SIGKILL');
    await stop.ended;
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    await untilService(reeve, 'deaf', (s) => s.state === 'stopped');
    expect((await serviceOf(reeve, 'deaf')).intent).toBe('down');
    expect(await reeve.json<Receipt>(['stop', '--timeout', '1s'])).toMatchObject({ status: 'COMPLETE' });
    expect(copiesOf(reeve, '/programs/')).toEqual([]);
    const events = await eventsOf(reeve);
    expect(events.filter((e) => e.event === 'service.started')).toHaveLength(3);
  });
});

describe('KC13: a stop command', () => {
  const hooked = (command: readonly string[], stop: object) => ({
    services: { web: { command: [...command], ready: { log: 'ready' }, env: { COLOUR: 'green' }, stop } },
  });

  test('runs instead of the signal, as the service: environment, folder, log, main pid', async () => {
    await using reeve = startReeve();
    const command = 'echo "bye $COLOUR $PWD $REEVE_SERVICE"; kill -INT $MAINPID';
    reeve.project(hooked(reeve.program('notes-signals', 'ends=yes'), { command }));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt).toMatchObject({
      status: 'COMPLETE',
      services: [{ name: 'web', stop_commands: [{ command, outcome: 'done', what: 'exited with code 0' }] }],
    });
    const lines = await linesOf(reeve, 'web');
    expect(lines).toContain(`bye green ${reeve.folder} web`);
    expect(lines.filter((l) => /^SIG/.test(l))).toEqual([expect.stringMatching(/^SIGINT at/)]);
    expect((await eventsOf(reeve)).map((e) => e.event)).toContain('service.stop_command');
  });

  test('that fails is reported, in events and receipt, and the signal follows at once', async () => {
    await using reeve = startReeve();
    reeve.project(hooked(reeve.program('stays'), { command: 'exit 9', timeout: '10m' }));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.services).toMatchObject([
      {
        stop_commands: [{ command: 'exit 9', outcome: 'failed', what: 'exited with code 9' }],
        processes: [{ signals: ['SIGTERM'], exit: { kind: 'code', code: 0 } }],
      },
    ]);
    const told = (await eventsOf(reeve)).find((e) => e.event === 'service.stop_command_failed');
    expect(told?.message).toBe('its stop command exited with code 9; sending the stop signal');
    expect((await reeve.run(['start'])).code).toBe(0);
    const stop = await reeve.run(['stop']);
    expect(stop.stdout).toContain('exit 9');
  });

  test('that cannot be executed at all is reported too', async () => {
    await using reeve = startReeve();
    reeve.project(hooked(reeve.program('stays'), { command: ['./no-such-program'] }));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.services[0]?.stop_commands).toMatchObject([
      { outcome: 'failed', what: expect.stringContaining('no-such-program') },
    ]);
    expect(copiesOf(reeve, '/programs/')).toEqual([]);
  });

  test('that hangs, forks and floods its output has half the grace, and nothing of it is left', async () => {
    await using reeve = startReeve();
    const command = '(trap "" TERM; sleep 1000; sleep 1000) & sleep 1001 & while :; do echo flood; done';
    reeve.project(hooked(reeve.program('stays'), { command, timeout: '2s' }));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt).toMatchObject({ status: 'COMPLETE', services: [{ stop_commands: [{ outcome: 'timed_out' }] }] });
    expect(reeve.outside().filter((p) => /sleep 100|flood/.test(p.command))).toEqual([]);
    expect((await linesOf(reeve, 'web')).filter((l) => l === 'flood').length).toBeGreaterThan(100);
    expect((await eventsOf(reeve)).map((e) => e.event)).toContain('service.stop_command_failed');
  });

  test('continues when the daemon is killed, is not run again, and the next daemon finishes the stop', async () => {
    await using reeve = startReeve();
    const gate = path.join(reeve.folder, 'gate');
    const command = `echo begun; while ! test -e ${gate}; do sleep 0.05; done; kill -INT $MAINPID`;
    reeve.project(hooked(reeve.program('notes-signals', 'ends=yes'), { command, timeout: '5m' }));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const stop = reeve.start(['stop']);
    await until('it has begun', async () => (await linesOf(reeve, 'web')).includes('begun'));
    const { pid } = (await reeve.json<PsView>(['ps'])).daemon;
    process.kill(Number(pid), 'SIGKILL');
    await stop.ended;
    expect((await reeve.run(['daemon', 'start'])).code).toBe(0);
    writeFileSync(gate, '');
    await untilService(reeve, 'web', (s) => s.state === 'stopped');
    const lines = await linesOf(reeve, 'web');
    expect(lines.filter((l) => l === 'begun')).toHaveLength(1);
    expect(lines.filter((l) => /^SIG/.test(l))).toEqual([expect.stringMatching(/^SIGINT at/)]);
    expect(copiesOf(reeve, 'notes-signals')).toEqual([]);
  });
});

describe('stop.mode', () => {
  const withChild = (mode: string, timeout: string) => ({ ready: { log: 'child ready' }, stop: { mode, timeout } });

  test('all: every process gets the signal at once', async () => {
    await using reeve = startReeve();
    const command = [...reeve.program('notes-signals', 'child=yes')];
    reeve.project({ services: { both: { command, ...withChild('all', '2s') } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    await reeve.json<Receipt>(['stop']);
    const heard = (await linesOf(reeve, 'both')).filter((l) => l.includes('SIGTERM'));
    expect(heard.map((l) => l.replace(/ at.*/, '')).sort()).toEqual(['SIGTERM', 'child SIGTERM']);
  });

  test('main: the others are never asked, only killed', async () => {
    await using reeve = startReeve();
    const command = [...reeve.program('notes-signals', 'child=yes', 'ends=yes')];
    reeve.project({ services: { one: { command, ...withChild('main', '5s') } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    const signals = receipt.services[0]?.processes.map((p) => p.signals);
    expect(signals).toEqual([['SIGTERM'], ['SIGKILL']]);
    expect((await linesOf(reeve, 'one')).filter((l) => l.includes('child SIGTERM'))).toEqual([]);
  });
});

test('CB12: a service that was stopped with SIGSTOP hears its stop signal', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { still: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const pid = Number((await serviceOf(reeve, 'still')).pid);
  process.kill(pid, 'SIGSTOP');
  await until('it is stopped', () => / \(.*\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  const receipt = await reeve.json<Receipt>(['stop']);
  expect(receipt.services[0]?.processes).toMatchObject([{ pid, signals: ['SIGTERM'], exit: { code: 0 } }]);
  expect(await linesOf(reeve, 'still')).toContain('goodbye');
});

test('a child that its parent never waits for is not a survivor', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { parent: { command: [...reeve.program('never-reaps')], ready: { log: 'zombie' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE', survivors: [] });
});

describe.runIf(isRoot && existsSync(`${FREEZER}/tasks`))('KC2: a process that cannot be killed', () => {
  test('makes the stop INCOMPLETE, is named, keeps the service from starting, and is noticed when it ends', async () => {
    await using reeve = startReeve();
    const cage = `${FREEZER}/${path.basename(path.dirname(reeve.home))}`;
    mkdirSync(cage);
    try {
      reeve.project({
        services: {
          ice: { command: [...reeve.program('stays')], ready: { log: 'ready' }, stop: { timeout: '300ms' } },
          other: { command: [...reeve.program('stays')], ready: { log: 'ready' } },
        },
      });
      expect((await reeve.run(['up', '-d'])).code).toBe(0);
      const { pid } = await serviceOf(reeve, 'ice');
      writeFileSync(`${cage}/cgroup.procs`, `${pid}`);
      writeFileSync(`${cage}/freezer.state`, 'FROZEN');
      await until('it is frozen', () => readFileSync(`${cage}/freezer.state`, 'utf8').trim() === 'FROZEN');

      const stop = await reeve.run(['stop', '--json', '--timeout', '1s']);
      expect(stop.code, stop.stderr).toBe(6);
      expect(stop.json()).toMatchObject({
        status: 'INCOMPLETE',
        survivors: [{ service: 'ice', pid, why: expect.stringMatching(/frozen|uninterruptible/) }],
      });
      expect(await serviceOf(reeve, 'ice')).toMatchObject({
        state: 'failed',
        reason: expect.stringMatching(new RegExp(`stop incomplete.*${pid}`)),
      });
      expect((await serviceOf(reeve, 'other')).state).toBe('stopped');
      const start = await reeve.run(['start', 'ice']);
      expect(start.code, start.stdout + start.stderr).toBe(5);
      expect(start.stdout + start.stderr).toContain(`${pid}`);
      const up = await reeve.run(['up', '-d']);
      expect(up.code).toBe(5);
      expect((await serviceOf(reeve, 'other')).state).toBe('running');

      writeFileSync(`${cage}/freezer.state`, 'THAWED');
      expect(await untilService(reeve, 'ice', (s) => s.state !== 'failed')).toMatchObject({ state: 'stopped' });
      expect(copiesOf(reeve, 'stays')).toHaveLength(1);
      expect((await reeve.run(['start', 'ice'])).code).toBe(0);
    } finally {
      writeFileSync(`${cage}/freezer.state`, 'THAWED');
      await reeve.run(['stop', '--force']);
      await until('the cage is empty', () => readFileSync(`${cage}/cgroup.procs`, 'utf8') === '');
      rmdirSync(cage);
    }
  });
});

describe.runIf(isRoot && existsSync(PYTHON))('a process that has become another user', () => {
  test('is named as a survivor with that reason, exit code 6, and the other services are stopped', async () => {
    const base = realpathSync(mkdtempSync(path.join(tmpdir(), 'rs-')));
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' })));
    const suid = path.join(base, 'becomes-root');
    copyFileSync(realpathSync(PYTHON), suid);
    chmodSync(suid, 0o4755);
    const script = `import os, time; os.setuid(0); print("root", os.getpid(), flush=True); time.sleep(1000)`;
    writeFileSync(
      path.join(base, 'reeve.yaml'),
      JSON.stringify({
        services: {
          other: { command: [suid, '-c', script], ready: { log: 'root' }, stop: { timeout: '500ms' } },
          own: { command: 'sleep 1000' },
        },
      }),
    );
    chmodSync(base, 0o755);
    chownSync(base, Number(uid), Number(gid));
    const as = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'];
    const env = { REEVE_HOME: path.join(base, 'home'), HOME: base, REEVE_PORT: '0' };
    const reeve = (...args: string[]) => startClient(args, { cwd: base, env }, as).ended;
    let left: SeenProcess | null = null;
    try {
      const up = await reeve('up', '-d');
      expect(up.code, up.stdout + up.stderr).toBe(0);
      const ps = (await reeve('ps', '--json')).json() as PsView;
      const pid = Number(ps.services.find((s) => s.name === 'other')?.pid);
      left = seen(pid);
      const stop = await reeve('stop', '--json', '--timeout', '1s');
      expect(stop.code, stop.stderr).toBe(6);
      expect(stop.json()).toMatchObject({
        status: 'INCOMPLETE',
        survivors: [{ service: 'other', pid, why: expect.stringMatching(/belongs to root: not permitted/) }],
      });
      const after = (await reeve('ps', '--json')).json() as PsView;
      expect(after.services.map((s) => `${s.name} ${s.state}`)).toEqual(['other failed', 'own stopped']);
    } finally {
      if (left && isStillThere(left)) process.kill(left.pid, 'SIGKILL');
      await reeve('daemon', 'stop', '--with-services');
      rmSync(base, { recursive: true, force: true });
    }
  });
});
