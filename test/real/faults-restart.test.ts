import { createServer } from 'node:net';
import type { EventView, ServiceView, WhyView } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { eventsOf, serviceOf, servicesOf, untilService } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

/** Everything that is started has ended by itself. */
async function untilAllEnded(reeve: TestReeve): Promise<ReadonlyMap<string, ServiceView>> {
  return until('all have ended', async () => {
    const services = await servicesOf(reeve);
    const isOver = [...services.values()].every(({ state }) => ['completed', 'failed', 'stopped'].includes(state));
    return isOver && services;
  });
}
const count = (events: readonly EventView[], name: string) => events.filter(({ event }) => event === name).length;

/** A port that the test itself listens on. */
async function heldPort(reeve: TestReeve): Promise<{ readonly port: number } & AsyncDisposable> {
  const port = await reeve.port();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { port, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

test('CB7: a crash loop is restarted with pauses, and stops at its limit with the reason, told once', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      storm: {
        command: reeve.program('exit-with', 'code=1'),
        restart: { policy: 'on-failure', backoff: '20ms..100ms', limit: '5 per 60s' },
      },
    },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(1);
  const storm = await untilService(reeve, 'storm', ({ state }) => state === 'failed');
  expect(storm).toMatchObject({ restarts: 5, intent: 'up', exit: { kind: 'code', code: 1, cause: 'code' } });
  expect(storm.reason).toBe('exited with code 1; restarted 5 times in 60s, the limit');
  const events = await eventsOf(reeve, 'storm');
  expect(count(events, 'service.started')).toBe(6);
  expect(count(events, 'service.failed')).toBe(1);
  const delays = events
    .filter(({ event }) => event === 'service.restarting')
    .map(({ data }) => Number(data['delay_ms']));
  // Doubling from 20 ms up to 100 ms, each within a quarter of that.
  [20, 40, 80, 100, 100].forEach((delay, i) => {
    expect(delays[i]).toBeGreaterThanOrEqual(delay * 0.75 - 1);
    expect(delays[i]).toBeLessThanOrEqual(Math.min(100, delay * 1.25 + 1));
  });
  const why = await reeve.json<WhyView>(['why', 'storm']);
  expect(why.crash).toMatchObject({ cause: 'code', lines: ['exit 1'] });
});

test('CB8: an end with exit 0 is judged by the policy', async () => {
  await using reeve = startReeve();
  const command = reeve.program('exit-with', 'code=0');
  const restart = (policy: string) => ({ command, restart: { policy, backoff: '10ms', limit: '3 per 60s' } });
  reeve.project({
    services: {
      always: restart('always'),
      'unless-stopped': restart('unless-stopped'),
      'on-failure': restart('on-failure'),
      never: restart('never'),
      oneshot: { command, oneshot: true },
    },
  });
  await reeve.run(['up', '-d', '--no-wait']);
  const ended = await untilAllEnded(reeve);
  const seen = Object.fromEntries(
    [...ended].map(([name, { state, restarts, exit }]) => [name, [state, restarts, exit?.code]]),
  );
  expect(seen).toEqual({
    always: ['failed', 3, 0],
    'unless-stopped': ['failed', 3, 0],
    'on-failure': ['stopped', 0, 0],
    never: ['stopped', 0, 0],
    oneshot: ['completed', 0, 0],
  });
});

const CODES = [0, 1, 2, 3, 15, 63, 64, 77, 78, 100, 124, 125, 128, 129, 130, 137, 139, 143, 200, 254, 255];
const SIGNALS = [
  ...['HUP', 'INT', 'QUIT', 'ILL', 'TRAP', 'ABRT', 'BUS', 'FPE', 'KILL', 'USR1', 'SEGV', 'USR2', 'PIPE', 'ALRM'],
  ...['TERM', 'XCPU', 'XFSZ', 'VTALRM', 'PROF', 'IO', 'PWR', 'SYS'],
];
test('CB9: exit codes and fatal signals are reported exactly, and never taken for each other', async () => {
  await using reeve = startReeve();
  const once = (script: string) => ({ command: ['sh', '-c', `ulimit -c 0; ${script}`], restart: 'never' });
  const codes = CODES.map((code) => [`code-${code}`, once(`exit ${code}`)]);
  const signals = SIGNALS.map((name) => [`signal-${name}`, once(`kill -${name} $$; sleep 5`)]);
  reeve.project({ services: Object.fromEntries([...codes, ...signals]) });
  await reeve.run(['up', '-d', '--no-wait']);
  const ended = await untilAllEnded(reeve);
  for (const code of CODES)
    expect(ended.get(`code-${code}`)?.exit, `exit ${code}`).toMatchObject({
      kind: 'code',
      code,
      signal: null,
      cause: 'code',
    });
  for (const name of SIGNALS) {
    const exit = { kind: 'signal', code: null, signal: `SIG${name}`, cause: 'signal' };
    expect(ended.get(`signal-${name}`)?.exit, name).toMatchObject(exit);
  }
});

describe('a fault that a retry cannot fix', () => {
  test('a port that another program has: failed at the first, with its owner and what frees it', async () => {
    await using reeve = startReeve();
    await using held = await heldPort(reeve);
    const listen = `require('net').createServer().listen(${held.port}, '127.0.0.1')`;
    reeve.project({
      services: {
        undeclared: { command: ['node', '-e', listen], restart: { policy: 'always', backoff: '10ms' } },
        declared: { command: reeve.program('http-server', `port=${held.port}`), ports: [held.port] },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(5);
    for (const name of ['undeclared', 'declared']) {
      const service = await untilService(reeve, name, ({ state }) => state === 'failed');
      expect(service.restarts).toBe(0);
      expect(service.reason).toContain(`port ${held.port} is held by `);
      expect(service.reason).toContain(`(pid ${process.pid}, `);
      expect(service.reason).toContain(`reeve kill :${held.port}`);
      const why = await reeve.run(['why', name]);
      expect(why.stdout).toContain(`Try: reeve kill :${held.port}`);
    }
    expect(count(await eventsOf(reeve, 'undeclared'), 'service.started')).toBe(1);
    expect(count(await eventsOf(reeve, 'declared'), 'service.started')).toBe(0);
  });

  test('a missing module or command, a syntax error, an unset variable: failed at the first, with what to do', async () => {
    await using reeve = startReeve();
    reeve.file('broken.js', 'let x = ;\n');
    const restart = { policy: 'always', backoff: '10ms' };
    reeve.project({
      services: {
        module: { command: ['node', '-e', "require('no-such-module')"], restart },
        command: { command: ['sh', '-c', 'no-such-command'], restart },
        syntax: { command: ['node', 'broken.js'], restart },
        variable: { command: ['sh', '-c', 'exec echo "$${NO_SUCH_THING:?must be set}"'], restart },
      },
    });
    await reeve.run(['up', '-d', '--no-wait']);
    const ended = await untilAllEnded(reeve);
    const expected = {
      module: 'no-such-module not found; npm install no-such-module',
      command: 'command not found: no-such-command',
      syntax: "SyntaxError: Unexpected token ';'",
      variable: 'the variable NO_SUCH_THING is not set',
    };
    for (const [name, reason] of Object.entries(expected)) {
      expect(ended.get(name)).toMatchObject({ state: 'failed', restarts: 0 });
      expect(ended.get(name)?.reason).toContain(reason);
    }
  });

  test('a port that its own leftovers had is free again, and is tried again', async () => {
    await using reeve = startReeve();
    const port = await reeve.port();
    // The first run leaves a child with the port behind, and says that the port is taken.
    const script = `
      const fs = require('fs'), { spawn } = require('child_process');
      if (fs.existsSync('once')) require('net').createServer().listen(${port}, '127.0.0.1');
      else {
        fs.writeFileSync('once', '');
        const code = "require('net').createServer().listen(${port}, '127.0.0.1', () => console.log('held'))";
        const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
        child.stdout.once('data', () => { console.error('Error: listen EADDRINUSE: address already in use 127.0.0.1:${port}'); process.exit(1); });
      }`;
    reeve.file('leaves.cjs', script);
    reeve.project({ services: { leaves: { command: ['node', 'leaves.cjs'], restart: { backoff: '10ms' } } } });
    await reeve.run(['up', '-d', '--no-wait']);
    const leaves = await untilService(reeve, 'leaves', ({ state, restarts }) => state === 'running' && restarts > 0);
    expect(leaves.restarts).toBe(1);
  });
});

test('an end has a cause: not ready in time, unhealthy, asked', async () => {
  await using reeve = startReeve();
  const command = reeve.program('stays');
  reeve.file('well', '');
  reeve.project({
    services: {
      late: { command, ready: { log: 'never written', timeout: '300ms' }, restart: 'never' },
      ill: {
        command,
        health: { command: ['test', '-e', 'well'], interval: '50ms', retries: 1, start_period: 0 },
        restart: 'never',
      },
      asked: { command },
    },
  });
  await reeve.run(['up', '-d', '--no-wait']);
  await untilService(reeve, 'ill', ({ state }) => state === 'running');
  await reeve.run(['exec', 'ill', 'rm', 'well']);
  expect((await untilService(reeve, 'ill', ({ state }) => state === 'failed')).exit?.cause).toBe('health');
  expect((await untilService(reeve, 'late', ({ state }) => state === 'failed')).exit?.cause).toBe('timeout');
  await untilService(reeve, 'asked', ({ state }) => state === 'running');
  await reeve.run(['stop', 'asked']);
  expect((await serviceOf(reeve, 'asked')).exit?.cause).toBe('asked');
});

test('HC7: a service whose dependency is down is unhealthy, and is not restarted for it', async () => {
  await using reeve = startReeve();
  reeve.file('db-is-there', '');
  reeve.project({
    services: {
      db: { command: reeve.program('stays'), restart: { policy: 'always', backoff: '20s', limit: 'none' } },
      api: {
        command: reeve.program('stays', 'name=api'),
        depends_on: ['db'],
        health: { command: ['test', '-e', 'db-is-there'], interval: '50ms', retries: 1, start_period: 0 },
      },
    },
  });
  await reeve.json(['up']);
  const before = await serviceOf(reeve, 'api');
  await reeve.run(['signal', 'KILL', 'db']);
  await untilService(reeve, 'db', ({ state }) => state === 'backoff');
  await reeve.run(['exec', 'api', 'rm', 'db-is-there']);
  const ill = await untilService(reeve, 'api', ({ health }) => health === 'unhealthy');
  expect(ill).toMatchObject({ state: 'running', pid: before.pid, restarts: 0 });
});
