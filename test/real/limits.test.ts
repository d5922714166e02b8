import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { PsView } from '@reeve/contract';
import { ReeveClient } from '@reeve/sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serviceOf, untilService } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

/**
 * One extreme of each kind: patterns, durations, waiting clients, ports, privileges. Graph size: core/graph; a keeper that
 * cannot be started: unreachable.test.ts; an upgrade during a stop or its command: faults-upgrade.test.ts.
 */

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

describe('waiting clients', () => {
  test('200 that wait for one service, half of which go away: other commands are answered, and the rest hear of it', async () => {
    await using reeve = startReeve();
    const go = path.join(reeve.folder, 'go');
    reeve.project({
      services: {
        slow: { command: 'until test -e go; do sleep 0.05; done; echo up; exec sleep 1000', ready: { log: '^up$' } },
      },
    });
    expect((await reeve.run(['up', '-d', '--no-wait'])).code).toBe(0);
    const { socket } = await reeve.json<{ socket: string }>(['daemon', 'status']);
    const params = { project: { folder: reeve.folder }, services: [], until: 'ready', timeout: null } as const;
    const heard = new Set<ReeveClient>();
    const waiting = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const client = await ReeveClient.connect({ socket, home: reeve.home, deadline: 60_000 });
        const onPush = (): void => void heard.add(client);
        const waited = client.call('wait', params, { deadline: Number.POSITIVE_INFINITY, onPush });
        return { client, outcome: waited.then(({ outcome }) => outcome).catch(() => 'gone') };
      }),
    );
    await until('all of them wait', () => heard.size === waiting.length);
    await Promise.all(waiting.slice(100).map(({ client }) => client.close()));
    expect((await serviceOf(reeve, 'slow')).state).toBe('starting');
    writeFileSync(go, '');
    const outcomes = await Promise.all(waiting.map(({ outcome }) => outcome));
    expect(outcomes).toEqual([...Array<string>(100).fill('met'), ...Array<string>(100).fill('gone')]);
    await Promise.all(waiting.map(({ client }) => client.close()));
  });
});

describe('ports', () => {
  test('30 services with 10 ports each: every port is leased once, shown with its owner, and free after the stop', async () => {
    await using reeve = startReeve();
    const ports = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`p${n}`, 'auto']));
    const service = { command: 'exec sleep 1000', ports, ready: { delay: '1ms' } };
    const names = Array.from({ length: 30 }, (_, n) => `s${n}`);
    reeve.project({ services: Object.fromEntries(names.map((name) => [name, service])) });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const { services } = await reeve.json<PsView>(['ps']);
    const leased = services.flatMap((each) => each.instances.flatMap((one) => one.ports.map(({ port }) => port)));
    expect([leased.length, new Set(leased).size]).toEqual([300, 300]);
    expect((await reeve.run(['restart', 's0', 's29'])).code).toBe(0);
    const again = await reeve.json<PsView>(['ps']);
    expect(again.services.map((each) => each.ports)).toEqual(services.map((each) => each.ports));
    expect((await reeve.run(['stop'])).code).toBe(0);
  });
});

describe.skipIf(process.getuid?.() !== 0)('privileges', () => {
  test('D3: a health command of an ordinary user that has become root and hangs costs the check, not the daemon', async ({
    skip,
  }) => {
    await using reeve = startReeve({ asNobody: true });
    const become = path.join(reeve.folder, 'become');
    const text = (...argv: readonly string[]): string =>
      execFileSync('sh', ['-c', '"$@" || true', 'sh', ...argv], { encoding: 'utf8' }).trim();
    copyFileSync(text('which', 'setpriv'), become);
    chmodSync(become, 0o4755);
    const uid = text('setpriv', '--reuid', 'nobody', '--clear-groups', become, '--reuid', '0', 'id', '-u');
    if (uid !== '0') skip('programs cannot change their user here (nosuid, no_new_privs)');
    reeve.project({
      services: {
        a: {
          command: 'exec sleep 1000',
          ready: { delay: '1ms' },
          health: {
            command: `${become} --reuid 0 --clear-groups sleep 997`,
            interval: '300ms',
            timeout: '300ms',
            start_period: '0',
            retries: 1,
          },
          on_unhealthy: 'alert',
        },
      },
    });
    const hanging = () => reeve.outside().filter(({ command }) => command.startsWith('sleep 997'));
    try {
      expect((await reeve.run(['up', '-d'])).code).toBe(0);
      const { pid } = await reeve.json<{ pid: number }>(['daemon', 'status']);
      await untilService(reeve, 'a', (service) => service.health === 'unhealthy');
      await until('one of them hangs as root', () =>
        hanging().some(({ pid: each }) => statSync(`/proc/${each}`).uid === 0),
      );
      expect((await reeve.json<{ pid: number }>(['daemon', 'status'])).pid).toBe(pid);
      expect(readFileSync(path.join(reeve.home, 'daemon.log'), 'utf8')).not.toContain('unhandled error');
    } finally {
      await reeve.run(['stop', '--force']);
      for (const { pid } of hanging()) process.kill(pid, 'SIGKILL');
    }
  });
});
