import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PsView, Receipt, Stall } from '@reeve/contract';
import { expect, test } from 'vitest';
import { serviceOf } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

interface Status {
  readonly stalls: readonly Stall[];
  readonly pid: number;
  readonly keeper_pid: number;
}

test('U28: a daemon that is stopped by a signal is named with what helps, and reading commands answer without it', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const service = await serviceOf(reeve, 'a');
  const { pid } = await reeve.json<Status>(['daemon', 'status']);
  process.kill(pid, 'SIGSTOP');
  try {
    expect(await reeve.json<PsView>(['ps'])).toMatchObject({
      daemon: {
        running: true,
        pid,
        problems: [{ code: 'daemon_silent', hint: expect.stringContaining(`kill -CONT ${pid}`) }],
      },
      services: [{ name: 'a', state: 'running', pid: service.pid }],
      scanned_at: null,
    });
    const table = await reeve.run(['ps']);
    expect(table.stderr).toContain(`pid ${pid}`);
    expect(table.stderr).toContain(`kill -CONT ${pid}`);
    expect(table.stderr).not.toContain('daemon start');
    const reading = [['status', 'a'], ['why', 'a'], ['ports'], ['advertisements'], ['events'], ['logs', 'a']];
    const acting = [['stop'], ['daemon', 'start'], ['up', '-d']];
    const all = [...reading, ...acting, ['daemon', 'status']];
    const answers = await Promise.all(all.map(async (args) => [args, await reeve.run(args)] as const));
    for (const [args, answer] of answers) {
      expect([args, answer.code]).toEqual([args, reading.includes(args) ? 0 : 9]);
      if (acting.includes(args) || args[0] === 'why') expect(answer.stderr).toContain(`kill -CONT ${pid}`);
      if (args[1] === 'status') expect(answer.stdout).toContain('does not answer');
    }
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until('it answers again', async () => (await reeve.run(['daemon', 'status'])).code === 0);
});

test('U28: commands that wait or follow say that the daemon is stopped by a signal; those that need it end', async () => {
  await using reeve = startReeve();
  const ready = { log: 'ready' };
  const b = { command: [...reeve.program('stays')], ready: { log: 'never', timeout: '5m' }, autostart: false };
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready }, b } });
  const start = (...args: string[]) => reeve.start(args, { limit: 100_000 });
  const attached = start('up', '--attach');
  await attached.line(/Ctrl-C stops/);
  const { pid } = await reeve.json<Status>(['daemon', 'status']);
  const followers = [start('logs', '-f', 'a'), start('events', '-f'), start('logs', '-f', '--json', 'a'), attached];
  const run = start('run', '--name', 'c', '--', ...reeve.program('stays'));
  const starting = start('start', 'b');
  const waiters = [starting, start('wait', 'b'), run];
  await Promise.all([run, ...followers.slice(0, 3)].map((client) => client.line(/ready/)));
  await starting.line(/b starting/);
  process.kill(pid, 'SIGSTOP');
  try {
    for (const { code, stderr } of await Promise.all(waiters.map(({ ended }) => ended))) {
      expect([code, stderr]).toEqual([9, expect.stringContaining(`kill -CONT ${pid}`)]);
    }
    expect((await run.ended).stderr).toContain('reeve stop c');
    for (const follower of followers) await follower.line(new RegExp(`kill -CONT ${pid}`));
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  for (const follower of followers) {
    await follower.line(/the daemon answers again/);
    follower.signal('SIGINT');
  }
  expect((await Promise.all(followers.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([
    130, 130, 130, 130,
  ]);
});

test('U28: a keeper that is stopped is reported, and for how long, and what has ended meanwhile is neither running nor ready', async () => {
  await using reeve = startReeve();
  const stays = (name: string) => ({ command: [...reeve.program('stays', `who=${name}`)], ready: { log: 'ready' } });
  reeve.project({
    services: { a: { ...stays('a'), restart: 'never' }, b: { ...stays('b'), autostart: false }, c: stays('c') },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { keeper_pid: keeper } = await reeve.json<Status>(['daemon', 'status']);
  const running = () => reeve.outside().filter(({ command }) => command.includes('who=b')).length;
  process.kill(keeper, 'SIGSTOP');
  try {
    process.kill(Number((await serviceOf(reeve, 'a')).pid), 'SIGKILL');
    const ps = await reeve.json<PsView>(['ps']);
    expect(ps.daemon.problems).toMatchObject([
      {
        code: 'keeper_silent',
        message: expect.stringMatching(/has not answered for \d/),
        hint: `let it continue: kill -CONT ${keeper}`,
      },
    ]);
    const [a, , c] = ps.services;
    expect(a).toMatchObject({
      name: 'a',
      state: 'stopping',
      ready: false,
      pid: null,
      reason: expect.stringContaining(`pid ${keeper}`),
    });
    expect(c).toMatchObject({ name: 'c', state: 'running', ready: true });
    expect((await reeve.run(['ps'])).stderr).toContain(`kill -CONT ${keeper}`);
    expect((await reeve.run(['daemon', 'status'])).stderr).toContain(`kill -CONT ${keeper}`);
    for (const name of ['a', 'b']) {
      const start = await reeve.run(['start', name, '--timeout', '1s']);
      expect([start.code, start.stdout + start.stderr]).toEqual([
        8,
        expect.stringContaining(`the keeper (pid ${keeper}) has not answered`),
      ]);
    }
    // The keeper has not reported the end of c yet: its run is still not listed a second time.
    const receipt = await reeve.json<Receipt>(['stop', 'c']);
    expect(receipt).toMatchObject({ status: 'COMPLETE', services: [{ name: 'c' }] });
    expect(receipt.services[0]?.processes.map(({ pid }) => pid)).toEqual([c?.pid]);
  } finally {
    process.kill(keeper, 'SIGCONT');
  }
  expect((await reeve.run(['wait', 'b', '--timeout', '20s'])).code).toBe(0);
  expect(running()).toBe(1);
  expect((await serviceOf(reeve, 'c')).state).toBe('stopped');
  expect((await reeve.json<PsView>(['ps'])).daemon.problems).toEqual([]);
});

test('U32: daemon and keeper notice when the other stalls: while it does, and then for how long, in the log and in the status', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid: daemon, keeper_pid: keeper } = await reeve.json<Status>(['daemon', 'status']);
  const read = (name: string) => readFileSync(path.join(reeve.home, name), 'utf8');
  const seen = [
    [daemon, 'daemon', 'keeper/keeper.log', `the daemon (pid ${daemon}) does not answer`],
    [keeper, 'keeper', 'daemon.log', 'the keeper does not answer'],
  ] as const;
  for (const [pid, program, log, sentence] of seen) {
    process.kill(pid, 'SIGSTOP');
    try {
      await until('the other notices', () => read(log).includes(sentence));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const stall = await until('it is reported', async () => {
      const { stalls } = await reeve.json<Status>(['daemon', 'status']);
      return stalls.find((each) => each.pid === pid && each.end === 'answered');
    });
    expect([stall.program, stall.ms > 200]).toEqual([program, true]);
    expect(read('daemon.log')).toContain(`the ${program} (pid ${pid}) stalled for `);
  }
  expect((await reeve.run(['daemon', 'status'])).stdout).toContain(`ago: the keeper (pid ${keeper}) for `);
});

test('D8, U37: SIGUSR1 opens no inspector, and a daemon that can start no keeper says so once and ends when asked to', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid, keeper_pid: keeper } = await reeve.json<Status>(['daemon', 'status']);
  for (const each of [pid, keeper]) process.kill(each, 'SIGUSR1');
  expect((await serviceOf(reeve, 'a')).state).toBe('running');
  const log = path.join(reeve.home, 'keeper/keeper.log');
  for (const file of [log, path.join(reeve.home, 'daemon.err')])
    expect(readFileSync(file, 'utf8')).not.toContain('Debugger');

  rmSync(log);
  mkdirSync(log);
  process.kill(keeper, 'SIGKILL');
  const problems = async () => (await reeve.json<PsView>(['ps'])).daemon.problems;
  await until('it is reported', async () => (await problems())[0]?.code === 'no_keeper');
  expect(await problems()).toMatchObject([
    { message: expect.stringMatching(/no keeper can be started, for \d.*keeper\.log/) },
  ]);
  const restart = await reeve.run(['restart', 'a', '--timeout', '1s']);
  expect(restart.stdout + restart.stderr).toContain('no keeper can be started');
  expect((await reeve.run(['daemon', 'stop'])).code).toBe(0);
  const told = readFileSync(path.join(reeve.home, 'daemon.log'), 'utf8').split('no keeper can be started').length - 1;
  expect(told).toBe(1);
  rmSync(log, { recursive: true });
});

test('U34: a daemon whose control socket is removed is found all the same, by whom it is asked at once', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid } = await reeve.json<Status>(['daemon', 'status']);
  const socket = path.join(reeve.home, 'run/control.sock');
  for (const args of [['ps'], ['daemon', 'status'], ['up', '-d'], ['daemon', 'start']]) {
    rmSync(socket);
    expect([args, (await reeve.run(args)).code]).toEqual([args, 0]);
  }
  writeFileSync(`${socket}.new`, '');
  renameSync(`${socket}.new`, socket);
  expect(await reeve.json<PsView>(['ps'])).toMatchObject({ daemon: { pid, problems: [] } });
  expect((await reeve.run(['daemon', 'stop', '--with-services'])).code).toBe(0);
});

test('U34: under a long home every caller finds the daemon, whatever runtime folder its environment names', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  const home = path.join(reeve.home, 'x'.repeat(100));
  const runtime = path.join(reeve.folder, 'runtime');
  mkdirSync(runtime, { mode: 0o700 });
  const first = { env: { REEVE_HOME: home, XDG_RUNTIME_DIR: runtime } };
  const second = { env: { REEVE_HOME: home, XDG_RUNTIME_DIR: '' } };
  try {
    expect((await reeve.run(['up', '-d'], first)).code).toBe(0);
    const { pid, socket } = await reeve.json<Status & { socket: string }>(['daemon', 'status'], second);
    rmSync(path.dirname(socket), { recursive: true });
    rmSync(runtime, { recursive: true });
    expect(await reeve.json<PsView>(['ps'], second)).toMatchObject({ daemon: { running: true, pid, problems: [] } });
  } finally {
    expect((await reeve.run(['daemon', 'stop', '--with-services'], second)).code).toBe(0);
  }
});
