import { existsSync, rmSync, writeFileSync } from 'node:fs';
import type { Receipt } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { copiesOf, eventsOf, linesOf, serviceOf, servicesOf, untilService } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

describe('health', () => {
  test.each([
    ['alert', 'running'],
    ['nothing', 'running'],
    ['restart', 'restarted'],
  ])('on_unhealthy: %s', async (reaction, then) => {
    await using reeve = startReeve();
    const flag = reeve.file('well', '');
    reeve.project({
      services: {
        web: {
          command: [...reeve.program('http-server', `healthy=${flag}`)],
          ports: [await reeve.port()],
          ready: { log: 'listening' },
          health: { http: '/healthz', interval: '50ms', retries: 2, successes: 2, start_period: 0 },
          on_unhealthy: reaction,
          restart: { backoff: 0, limit: '5 per 60s' },
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const first = await untilService(reeve, 'web', (s) => s.health === 'healthy');
    rmSync(flag);
    if (then === 'running') {
      const sick = await untilService(reeve, 'web', (s) => s.health === 'unhealthy');
      expect(sick).toMatchObject({ state: 'running', pid: first.pid, restarts: 0 });
      writeFileSync(flag, '');
      await untilService(reeve, 'web', (s) => s.health === 'healthy' && s.pid === first.pid);
      return;
    }
    await until('another process is there', async () => (await serviceOf(reeve, 'web')).restarts > 0);
    writeFileSync(flag, '');
    const second = await untilService(reeve, 'web', (s) => s.health === 'healthy' && s.state === 'running');
    expect(second.pid).not.toBe(first.pid);
    const events = await eventsOf(reeve, 'web');
    expect(events.find((e) => e.event === 'service.restarting')?.message).toContain('503');
  });

  test('does not count failures in the start period, and is unknown until the first answer', async () => {
    await using reeve = startReeve();
    const port = await reeve.port();
    reeve.project({
      services: {
        slow: {
          command: [...reeve.program('http-server', `port=${port}`, 'healthy=/nowhere')],
          ready: { log: 'listening' },
          health: { http: `http://127.0.0.1:${port}/healthz`, interval: '20ms', retries: 1, start_period: '1h' },
        },
        needs: { command: 'sleep 1000', depends_on: { slow: 'healthy' } },
        marks: {
          command: `sleep 0.3; touch ${reeve.folder}/passed; exec sleep 1000`,
          ready: { command: `test -e ${reeve.folder}/passed` },
        },
      },
    });
    const up = await reeve.run(['up', '-d', 'slow', 'marks']);
    expect(up.code, up.stderr).toBe(0);
    expect(existsSync(`${reeve.folder}/passed`)).toBe(true);
    expect(await serviceOf(reeve, 'slow')).toMatchObject({ state: 'running', health: 'unknown', restarts: 0 });
    expect((await reeve.run(['up', '-d', '--timeout', '500ms'])).code).toBe(8);
    const needs = await serviceOf(reeve, 'needs');
    expect(needs.state).toBe('waiting');
    expect(needs.reason).toContain('slow');
  });
});

describe('depends_on', () => {
  test('waits for what each condition says, and continues without what is not required', async () => {
    await using reeve = startReeve();
    const port = await reeve.port();
    reeve.project({
      services: {
        slow: {
          command: [...reeve.program('http-server')],
          ports: [port],
          ready: { delay: '500ms' },
          health: { http: '/healthz', interval: '50ms', successes: 3 },
        },
        job: { command: 'sleep 0.3', oneshot: true },
        bad: { command: 'exit 3', oneshot: true },
        'on-started': { command: 'sleep 1000', depends_on: { slow: 'started' } },
        'on-ready': { command: 'sleep 1000', depends_on: ['slow'] },
        'on-healthy': { command: 'sleep 1000', depends_on: { slow: 'healthy' } },
        'on-completed': { command: 'sleep 1000', depends_on: { job: 'completed' } },
        'on-soft': { command: 'sleep 1000', depends_on: { bad: { condition: 'completed', required: false } } },
      },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code).toBe(1); // `bad` failed, and nothing else
    const events = await eventsOf(reeve);
    const at = (service: string, event: string) => {
      const found = events.findIndex((e) => e.service === service && e.event === event);
      expect(found, `${service} ${event}`).toBeGreaterThanOrEqual(0);
      return found;
    };
    expect(at('on-started', 'service.started')).toBeGreaterThan(at('slow', 'service.started'));
    expect(at('on-started', 'service.started')).toBeLessThan(at('slow', 'service.ready'));
    expect(at('on-ready', 'service.started')).toBeGreaterThan(at('slow', 'service.ready'));
    expect(at('on-ready', 'service.started')).toBeLessThan(at('slow', 'service.healthy'));
    expect(at('on-healthy', 'service.started')).toBeGreaterThan(at('slow', 'service.healthy'));
    expect(at('on-completed', 'service.started')).toBeGreaterThan(at('job', 'service.completed'));
    expect(at('on-soft', 'service.started')).toBeGreaterThan(at('bad', 'service.failed'));
    expect((await serviceOf(reeve, 'on-soft')).state).toBe('running');
  });

  test('tells a failure through the whole chain', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        a: { command: 'exit 3', restart: 'never', ready: { log: 'never' } },
        b: { command: 'sleep 1000', depends_on: ['a'] },
        c: { command: 'sleep 1000', depends_on: ['b'] },
        d: { command: 'sleep 1000' },
      },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code).toBe(1);
    const seen = await servicesOf(reeve);
    expect(seen.get('b')).toMatchObject({ state: 'waiting', reason: expect.stringContaining('a has failed') });
    expect(seen.get('c')).toMatchObject({ state: 'waiting', reason: expect.stringContaining('a has failed') });
    expect(seen.get('c')?.reason).toContain('b');
    expect(seen.get('d')?.state).toBe('running');
    const why = await reeve.run(['why', 'c']);
    expect(why.stdout).toContain('a has failed');
    expect((await reeve.run(['status', 'c'])).code).toBe(3);
  });

  test.each([
    ['a dependency', { command: 'sleep 1000', depends_on: ['never'] }],
    ['a dependency to be healthy', { command: 'sleep 1000', depends_on: { sick: 'healthy' } }],
    ['its own readiness', { command: 'sleep 1000', ready: { log: 'never', timeout: '60s' } }],
    [
      'its back-off',
      { command: 'sleep 0.2; exit 1', restart: { policy: 'always', backoff: '60s..60s', limit: 'none' } },
    ],
  ])('a stop ends the wait for %s at once, and nothing is started later', async (_name, waits) => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        never: { command: 'sleep 1000', ready: { log: 'never', timeout: '60s' } },
        sick: { command: 'sleep 1000', health: { command: 'false', interval: '20ms' }, ready: { delay: '1ms' } },
        waits,
      },
    });
    expect((await reeve.run(['up', '-d', '--no-wait'])).code).toBe(0);
    const resting = ['waiting', 'starting', 'backoff'];
    await untilService(
      reeve,
      'waits',
      (s) => resting.includes(s.state) && (s.reason !== null || s.state === 'starting'),
    );
    if (_name === 'its back-off') await untilService(reeve, 'waits', (s) => s.state === 'backoff');
    const begun = performance.now();
    const receipt = await reeve.json<Receipt>(['stop', 'waits']);
    expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [] });
    expect(receipt.ms).toBeLessThan(1_000);
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(await serviceOf(reeve, 'waits')).toMatchObject({ state: 'stopped', intent: 'down', pid: null });
    // What it waited for comes now: no start follows.
    await reeve.run(['restart', 'never', '--no-wait']);
    const events = await eventsOf(reeve, 'waits');
    const stopped = events.findIndex((e) => e.event === 'service.stopped');
    expect(stopped).toBeGreaterThan(0);
    expect(events.slice(stopped).filter((e) => e.event === 'service.started')).toEqual([]);
  });
});

describe('restart', () => {
  const endings = { well: 'exit 0', code: 'exit 3', signal: 'kill -KILL $$' };
  const policies = ['always', 'unless-stopped', 'on-failure', 'never'] as const;

  test('follows its policy, whatever the ending', async () => {
    await using reeve = startReeve();
    const names = policies.flatMap((policy) =>
      Object.entries(endings).map(([how, command]) => [
        `${policy}-${how}`,
        { command: `sleep 0.05; ${command}`, restart: { policy, backoff: 0, limit: '2 per 60s' }, ready: { log: 'x' } },
      ]),
    );
    reeve.project({ services: Object.fromEntries(names) });
    expect((await reeve.run(['up', '-d'])).code).toBe(1);
    const seen = await servicesOf(reeve);
    const outcome = (name: string) => {
      const { state, restarts, exit, intent } = seen.get(name) ?? {};
      return `${state} ${restarts} ${exit?.code ?? exit?.signal} ${intent}`;
    };
    for (const policy of ['always', 'unless-stopped'] as const) {
      expect(outcome(`${policy}-well`), policy).toBe('failed 2 0 up');
      expect(outcome(`${policy}-code`), policy).toBe('failed 2 3 up');
      expect(outcome(`${policy}-signal`), policy).toBe('failed 2 SIGKILL up');
    }
    expect(outcome('on-failure-well')).toBe('stopped 0 0 up');
    expect(outcome('on-failure-code')).toBe('failed 2 3 up');
    expect(outcome('on-failure-signal')).toBe('failed 2 SIGKILL up');
    expect(outcome('never-well')).toBe('stopped 0 0 up');
    expect(outcome('never-code')).toBe('failed 0 3 up');
    expect(outcome('never-signal')).toBe('failed 0 SIGKILL up');
  });

  test('is counted from the last start from failed, and that start has a whole budget', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: { bad: { command: 'exit 3', restart: { backoff: 0, limit: '2 per 60s' }, ready: { log: 'x' } } },
    });
    await reeve.run(['up', '-d']);
    expect(await serviceOf(reeve, 'bad')).toMatchObject({ state: 'failed', restarts: 2 });
    expect((await reeve.run(['start', 'bad'])).code).toBe(1);
    expect(await serviceOf(reeve, 'bad')).toMatchObject({ state: 'failed', restarts: 2 });
    expect((await eventsOf(reeve, 'bad')).filter((e) => e.event === 'service.started')).toHaveLength(6);
  });

  test('of a one-shot is not made; it completes, fails, and runs again only after a stop', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        job: { command: 'echo done', oneshot: true },
        bad: { command: 'exit 4', oneshot: true },
        after: { command: 'sleep 1000', depends_on: { job: 'completed' } },
      },
    });
    expect((await reeve.run(['up', '-d', 'after'])).code).toBe(0);
    expect(await serviceOf(reeve, 'job')).toMatchObject({ state: 'completed', ready: true, intent: 'up', pid: null });
    expect((await reeve.run(['status', 'job'])).code).toBe(0);
    expect((await reeve.run(['up', '-d', 'after'])).code).toBe(0);
    expect(await linesOf(reeve, 'job')).toEqual(['done']);
    expect((await reeve.run(['stop'])).code).toBe(0);
    expect((await serviceOf(reeve, 'job')).state).toBe('stopped');
    expect((await reeve.run(['up', '-d', 'after'])).code).toBe(0);
    expect(await linesOf(reeve, 'job')).toEqual(['done', 'done']);
    expect((await reeve.run(['up', '-d'])).code).toBe(1);
    expect(await serviceOf(reeve, 'bad')).toMatchObject({ state: 'failed', restarts: 0, exit: { code: 4 } });
    expect((await reeve.run(['wait', 'job', '--for', 'completed'])).code).toBe(0);
  });

  test('in a crash loop with no limit and no back-off leaves the machine alone', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: { loop: { command: 'exit 1', restart: { policy: 'always', limit: 'none' } } },
    });
    await reeve.run(['up', '-d', '--no-wait']);
    const looping = await untilService(reeve, 'loop', (s) => s.restarts >= 2);
    expect(['backoff', 'starting', 'running', 'stopping', 'waiting']).toContain(looping.state);
    const delays = (await eventsOf(reeve, 'loop'))
      .filter((e) => e.event === 'service.restarting')
      .map((e) => Number(e.data.delay_ms));
    expect(delays[0]).toBeGreaterThanOrEqual(375);
    expect(delays[0]).toBeLessThanOrEqual(625);
    expect(delays[1]).toBeGreaterThanOrEqual(750);
    expect(delays[1]).toBeLessThanOrEqual(1250);
  });
});

describe('stop', () => {
  const times = (lines: readonly string[]) =>
    new Map(
      lines.flatMap((l) => (l.includes(' at ') ? [[l.split(' at ')[0], Number(l.split(' at ')[1])] as const] : [])),
    );

  test.each([
    ['main_first', 'SIGTERM', 1_000],
    ['all', 'SIGTERM', 0],
    ['main', 'SIGTERM', null],
  ] as const)('mode %s: the rest is asked when its turn comes', async (mode, signal, after) => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        pair: {
          command: [...reeve.program('notes-signals', 'child=yes', 'name=main')],
          ready: { log: 'child ready' },
          stop: { mode, timeout: '2s' },
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.status).toBe('COMPLETE');
    expect(receipt.ms).toBeGreaterThan(1_900);
    expect(receipt.ms).toBeLessThan(2_700);
    const at = times(await linesOf(reeve, 'pair'));
    const main = at.get(`main ${signal}`) ?? Number.NaN;
    const child = at.get(`child ${signal}`);
    expect(main).toBeGreaterThan(0);
    if (after === null) expect(child).toBeUndefined();
    else expect(Math.abs((child ?? Number.NaN) - main - after)).toBeLessThan(300);
  });

  test('asks the rest as soon as main has ended, with the declared signal', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        pair: {
          command: [...reeve.program('notes-signals', 'child=yes', 'name=main', 'ends=yes')],
          ready: { log: 'child ready' },
          stop: { signal: 'SIGHUP', timeout: '20s' },
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.ms).toBeLessThan(2_000);
    const at = times(await linesOf(reeve, 'pair'));
    expect([...at.keys()]).toEqual(['main SIGHUP', 'child SIGHUP']);
  });

  test('wakes what was stopped with SIGSTOP, so that it can end by itself', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { a: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
    await reeve.run(['up', '-d']);
    process.kill(Number((await serviceOf(reeve, 'a')).pid), 'SIGSTOP');
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.services[0]?.processes[0]?.exit).toMatchObject({ kind: 'code', code: 0 });
    expect(await linesOf(reeve, 'a')).toContain('goodbye');
  });

  test('with timeout 0 kills at once; --timeout bounds the whole; --force has no patience', async () => {
    await using reeve = startReeve();
    const deaf = [...reeve.program('ignores-sigterm')];
    const ready = { log: 'ready' };
    reeve.project({
      services: {
        zero: { command: [...reeve.program('stays')], ready, stop: { timeout: 0 } },
        base: { command: deaf, ready },
        top: { command: deaf, ready, depends_on: ['base'] },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const zero = await reeve.json<Receipt>(['stop', 'zero']);
    expect(zero.services[0]?.processes[0]).toMatchObject({ signals: ['SIGKILL'] });
    expect(zero.ms).toBeLessThan(1_000);
    const bounded = await reeve.json<Receipt>(['stop', '--timeout', '700ms']);
    expect(bounded.status).toBe('COMPLETE');
    expect(bounded.ms).toBeGreaterThan(650);
    expect(bounded.ms).toBeLessThan(2_500);
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const forced = await reeve.json<Receipt>(['stop', '--force']);
    expect(forced.status).toBe('COMPLETE');
    expect(forced.ms).toBeLessThan(1_500);
    expect(copiesOf(reeve, 'ignores-sigterm')).toEqual([]);
  });

  test('goes in reverse order; one that hangs holds back only what it needs, and is named', async () => {
    await using reeve = startReeve();
    const stays = [...reeve.program('stays')];
    const ready = { log: 'ready' };
    reeve.project({
      services: {
        base: { command: stays, ready },
        hangs: {
          command: [...reeve.program('ignores-sigterm')],
          ready,
          depends_on: ['base'],
          stop: { timeout: '1s' },
        },
        other: { command: stays, ready },
        leaf: { command: stays, ready, depends_on: ['other'] },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.status).toBe('COMPLETE');
    const killed = receipt.services.filter((s) => s.processes.some((p) => p.signals.includes('SIGKILL')));
    expect(killed.map((s) => s.name)).toEqual(['hangs']);
    const events = await eventsOf(reeve);
    const at = (service: string, event: string) => events.findIndex((e) => e.service === service && e.event === event);
    expect(at('leaf', 'service.stopped')).toBeLessThan(at('other', 'service.stopping'));
    expect(at('other', 'service.stopped')).toBeLessThan(at('hangs', 'service.stopped'));
    expect(at('hangs', 'service.stopped')).toBeLessThan(at('base', 'service.stopping'));
  });

  test('may be asked for many times at once', async () => {
    await using reeve = startReeve();
    const command = [...reeve.program('ignores-sigterm')];
    reeve.project({ services: { a: { command, ready: { log: 'ready' }, stop: { timeout: '600ms' } } } });
    await reeve.run(['up', '-d']);
    const all = await Promise.all([1, 2, 3].map(() => reeve.json<Receipt>(['stop'])));
    expect(all.map((r) => r.status)).toEqual(['COMPLETE', 'COMPLETE', 'COMPLETE']);
    expect((await eventsOf(reeve, 'a')).filter((e) => e.event === 'service.stopping')).toHaveLength(1);
  });
});
