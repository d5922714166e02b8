import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serviceOf, untilService } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

/** One extreme of each kind: patterns, graph size, ports, waiting clients, durations. */

describe('patterns', () => {
  /** On this line a backtracking engine takes longer than the universe is old. */
  const line = `${'a'.repeat(41)}b`;
  const never = '^(a+)+$';

  test('U32: no pattern of a config stops the daemon: its commands are answered, and other lines still match', async () => {
    await using reeve = startReeve();
    const server = createServer((_, response) => response.end(`${'a'.repeat(60_000)}b`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const often = { interval: '50ms', start_period: '0', retries: 1 };
    const flood = `yes ${'a'.repeat(4_000)}b | head -n 2000; exec sleep 1000`;
    reeve.project({
      services: {
        ready: { command: `echo ${line}; sleep 0.1; echo aaa; exec sleep 1000`, ready: { log: never } },
        health: {
          command: flood,
          ready: { delay: '1ms' },
          health: { log: '^(a|a)*$', ...often },
          on_unhealthy: 'alert',
        },
        body: {
          command: 'exec sleep 1000',
          ready: { delay: '1ms' },
          health: { http, body: never, ...often },
          on_unhealthy: 'alert',
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    expect((await serviceOf(reeve, 'ready')).ready).toBe(true);
    await untilService(reeve, 'health', (s) => s.health === 'unhealthy');
    const body = await untilService(reeve, 'body', (s) => s.health === 'unhealthy');
    expect(body.instances[0]?.health_history.at(-1)?.what).toContain('does not match');
    const logs = await reeve.run(['logs', '--grep', never, 'ready']);
    expect([logs.code, logs.stdout]).toEqual([0, expect.stringContaining('aaa')]);
  });

  test('U32: what cannot be evaluated in linear time is refused, with its place and what is possible', async () => {
    await using reeve = startReeve();
    reeve.project('services:\n  a:\n    command: x\n    ready: { log: "(?!x)y" }\n');
    const validate = await reeve.run(['validate']);
    expect(validate.code).toBe(2);
    expect(validate.stderr).toContain(
      'reeve.yaml:4:19  services.a.ready.log: invalid pattern: look-ahead is not supported',
    );
    expect(validate.stderr).toContain('expected a regular expression (RE2: no look-around, no back-references)');
    const grep = await reeve.run(['logs', '--grep', '(a)\\1']);
    expect([grep.code, grep.stderr]).toEqual([2, expect.stringContaining('back-references are not supported')]);
  });

  test('U32: a pattern that only its values make invalid fails the start, and says so', async () => {
    await using reeve = startReeve();
    const env = (value: string) => ({ env: { READY: value } });
    reeve.project({ services: { a: { command: 'exec sleep 1000', ready: { log: '${READY}', timeout: '5s' } } } });
    expect((await reeve.run(['up', '-d'], env('(?=x)'))).stderr).toContain('look-ahead is not supported');
    reeve.file('.env', 'READY=up\n');
    reeve.project({
      services: {
        a: { command: 'exec sleep 1000', env_files: ['.env'], restart: 'never', ready: { log: '${READY}' } },
      },
    });
    expect((await reeve.run(['up', '-d', '--no-wait'])).code).toBe(0);
    reeve.file('.env', 'READY=(?<!x)y\n');
    const restarted = await reeve.run(['restart', 'a']);
    expect(restarted.code).not.toBe(0);
    expect(restarted.stdout + restarted.stderr).toContain('look-behind is not supported');
  });
});

describe('durations', () => {
  test('D2: of over 24.8 days are not "at once": nothing is killed, given up or asked again', async () => {
    await using reeve = startReeve();
    const often = reeve.file('asked', '');
    reeve.project({
      services: {
        stop: {
          command: `trap 'sleep 0.5; echo saved; exit 0' TERM; while :; do sleep 0.05; done`,
          stop: { timeout: '60d' },
        },
        ready: { command: 'sleep 0.3; echo up; exec sleep 1000', ready: { log: '^up$', timeout: '30d' } },
        health: {
          command: 'exec sleep 1000',
          ready: { delay: '1ms' },
          health: { command: `echo x >> ${often}`, interval: '30d', timeout: '40d' },
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    await until('the check has run', () => readFileSync(often, 'utf8') !== '');
    const stopped = await reeve.run(['stop', 'stop', 'ready', '--timeout', '90d']);
    expect(stopped.code).toBe(0);
    expect((await reeve.run(['logs', 'stop'])).stdout).toContain('saved');
    expect(readFileSync(often, 'utf8')).toBe('x\n');
    expect((await serviceOf(reeve, 'ready')).restarts).toBe(0);
  });
});
