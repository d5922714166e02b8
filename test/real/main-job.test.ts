import type { EventView, PsView, Receipt } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { isBindable } from '../harness/free-port.ts';
import { startReeve } from '../harness/reeve.ts';

const run = (argv: readonly string[]) => [...argv];

describe('up', () => {
  test('starts in dependency order, waits until all are ready, and lists them as the contract says', async () => {
    await using reeve = startReeve();
    const port = await reeve.port();
    reeve.project({
      project: 'shop',
      services: {
        web: {
          command: run(reeve.program('http-server')),
          ports: { http: port },
          depends_on: { api: 'ready', job: 'completed' },
        },
        api: { command: run(reeve.program('slow-ready', 'ms=300')), ports: [await reeve.port()], depends_on: ['db'] },
        job: { command: run(reeve.program('exit-with', 'code=0')), oneshot: true, depends_on: ['db'] },
        db: { command: run(reeve.program('stays')), ready: { log: 'ready \\d+' } },
      },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);

    const ps = await reeve.json<PsView>(['ps']);
    expect(ps).toMatchObject({
      project: 'shop',
      daemon: { running: true, pid: expect.any(Number), version: expect.any(String) },
      unmanaged: [],
    });
    const byName = new Map(ps.services.map((s) => [s.name, s]));
    expect(byName.get('web')).toMatchObject({
      state: 'running',
      intent: 'up',
      ready: true,
      restarts: 0,
      managed_by: 'config',
      cpu_percent: expect.any(Number),
      exit: null,
      ports: [{ name: 'http', port, protocol: 'tcp', listening: true }],
      instances: [{ index: 0, state: 'running', pid: expect.any(Number), restarts: 0 }],
    });
    expect(byName.get('job')).toMatchObject({
      state: 'completed',
      ready: true,
      pid: null,
      exit: { kind: 'code', code: 0, signal: null },
    });
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe(`${byName.get('web')?.pid}\n`);

    const events = (await reeve.run(['events', '--json'])).jsonLines() as EventView[];
    const at = (service: string, event: string) => events.findIndex((e) => e.service === service && e.event === event);
    expect(at('db', 'service.ready')).toBeLessThan(at('api', 'service.started'));
    expect(at('db', 'service.ready')).toBeLessThan(at('job', 'service.started'));
    expect(at('api', 'service.ready')).toBeLessThan(at('web', 'service.started'));
    expect(at('job', 'service.completed')).toBeLessThan(at('web', 'service.started'));
    expect(events.map((e) => e.seq)).toEqual(events.map((e) => e.seq).toSorted((a, b) => a - b));
  });

  test('twice changes nothing; after an edit it restarts only what changed', async () => {
    await using reeve = startReeve();
    const config = (level: string) => ({
      services: {
        a: { command: run(reeve.program('stays')), env: { LEVEL: level } },
        b: { command: run(reeve.program('stays')) },
      },
    });
    reeve.project(config('info'));
    await reeve.run(['up', '-d']);
    const first = await reeve.json<PsView>(['ps']);
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    expect((await reeve.json<PsView>(['ps'])).services.map((s) => s.pid)).toEqual(first.services.map((s) => s.pid));
    reeve.project(config('debug'));
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const second = await reeve.json<PsView>(['ps']);
    expect(second.services[0]?.pid).not.toBe(first.services[0]?.pid);
    expect(second.services[1]?.pid).toBe(first.services[1]?.pid);
  });

  test('two at the same moment start one daemon and one copy of each service', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: Object.fromEntries(
        ['a', 'b', 'c'].map((n) => [n, { command: run(reeve.program('stays', `name=${n}`)) }]),
      ),
    });
    const both = await Promise.all([reeve.run(['up', '-d']), reeve.run(['up', '-d']), reeve.run(['up', '-d'])]);
    expect(
      both.map((r) => r.code),
      both.map((r) => r.stderr).join('\n'),
    ).toEqual([0, 0, 0]);
    const seen = reeve.outside().map((p) => p.command);
    for (const name of ['a', 'b', 'c']) expect(seen.filter((c) => c.includes(`name=${name}`))).toHaveLength(1);
    expect(seen.filter((c) => c.includes('reeved.js'))).toHaveLength(1);
    expect(seen.filter((c) => c.includes('keeper.js'))).toHaveLength(1);
  });

  test('ends with 8 when a service is not ready in time, says who, and stops nothing', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { slow: { command: run(reeve.program('stays')), ready: { log: 'never' } } } });
    const up = await reeve.run(['up', '-d', '--timeout', '500ms']);
    expect(up.code).toBe(8);
    expect(up.stderr + up.stdout).toContain('slow');
    expect((await reeve.json<PsView>(['ps'])).services[0]).toMatchObject({
      state: 'starting',
      intent: 'up',
      ready: false,
    });
  });

  test('ends with 1 when a service fails, and tells what it said last', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        bad: { command: run(reeve.program('crash-after', 'code=3')), restart: 'never', ready: { log: 'never' } },
        needs: { command: run(reeve.program('stays')), depends_on: ['bad'] },
      },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(1);
    const ps = await reeve.json<PsView>(['ps']);
    expect(ps.services.find((s) => s.name === 'bad')).toMatchObject({
      state: 'failed',
      exit: { kind: 'code', code: 3 },
    });
    expect(ps.services.find((s) => s.name === 'needs')).toMatchObject({
      state: 'waiting',
      reason: expect.stringContaining('bad has failed'),
    });
    const why = await reeve.run(['why', 'bad']);
    expect(why.stdout).toContain('crashed on purpose');
    expect((await reeve.run(['why', 'needs'])).stdout).toContain('bad has failed');
  });

  test('a command that does not exist is refused by name', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { ghost: { command: ['no-such-program-here'] } } });
    const up = await reeve.run(['up', '-d']);
    expect(up.code).toBe(1);
    expect(up.stdout + up.stderr).toContain('no-such-program-here');
  });
});

describe('stop', () => {
  test('stops in the other order, lets a server drain, and proves it with a receipt', async () => {
    await using reeve = startReeve();
    const port = await reeve.port();
    reeve.project({
      services: {
        server: { command: run(reeve.program('http-server')), ports: [port] },
        client: { command: run(reeve.program('stays')), depends_on: ['server'] },
      },
    });
    await reeve.run(['up', '-d']);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [], ms: expect.any(Number) });
    const server = receipt.services.find((s) => s.name === 'server');
    expect(server).toMatchObject({
      ports: [{ port, free: true }],
      processes: [{ pid: expect.any(Number), signals: ['SIGTERM'], exit: { kind: 'code', code: 0 } }],
    });
    expect(await isBindable(port)).toBe(true);
    const logs = await reeve.run(['logs', 'server', '-n', 'all']);
    expect(logs.stdout).toContain('drained');
    const events = (await reeve.run(['events', '--json'])).jsonLines() as EventView[];
    const at = (service: string, event: string) => events.findIndex((e) => e.service === service && e.event === event);
    expect(at('client', 'service.stopped')).toBeLessThan(at('server', 'service.stopping'));
    expect((await reeve.run(['status', 'server'])).code).toBe(3);
  });

  test.each([
    ['npm run', 'npm run serve'],
    ['sh -c', "sh -c 'cd . && node server.js'"],
  ])('a server behind %s, which hands no signal on, drains all the same', async (_name, command) => {
    await using reeve = startReeve();
    reeve.file('package.json', JSON.stringify({ name: 'x', scripts: { serve: 'node server.js' } }));
    reeve.file(
      'server.js',
      "process.on('SIGTERM', () => { console.log('drained'); process.exit(0); }); setInterval(() => {}, 1000); console.log('serving');",
    );
    reeve.project({ services: { server: { command, ready: { log: 'serving' } } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
    expect((await reeve.run(['logs', '-n', 'all'])).stdout).toContain('drained');
  });

  test('what ignores SIGTERM is killed when its grace runs out, and the receipt says so', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        stubborn: {
          command: run(reeve.program('ignores-sigterm')),
          ready: { log: 'ready' },
          stop: { timeout: '300ms' },
        },
      },
    });
    await reeve.run(['up', '-d']);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.services[0]?.processes[0]).toMatchObject({
      signals: ['SIGTERM', 'SIGKILL'],
      exit: { kind: 'signal', signal: 'SIGKILL' },
    });
  });

  test.each(['double-forks', 'leaks-port-child', 'forks-on-term', 'keeps-a-child'])(
    '%s leaves nothing behind',
    async (name) => {
      await using reeve = startReeve();
      const port = await reeve.port();
      reeve.project({
        services: {
          odd: {
            command: run(reeve.program(name, `port=${port}`)),
            stop: { timeout: '500ms' },
            ready: { delay: '300ms' },
          },
        },
      });
      await reeve.run(['up', '-d']);
      expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
      expect(reeve.outside().filter((p) => p.command.includes(name) || p.command.includes('http-server'))).toEqual([]);
      expect(await isBindable(port)).toBe(true);
    },
  );

  test('of nothing is COMPLETE, of an unknown name is 4', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { a: { command: run(reeve.program('stays')) } } });
    expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE', services: [] });
    expect((await reeve.run(['stop', 'nobody'])).code).toBe(4);
  });
});

describe('output', () => {
  test('a service may write to /dev/stderr and /dev/stdout; it is all in the log', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        sh: {
          command: 'echo plain; echo opened > /dev/stdout; echo failed > /dev/stderr; exec sleep 1000',
          ready: { log: 'failed' },
        },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const lines = (await reeve.run(['logs', '--json', '-n', 'all'])).jsonLines() as { stream: string; line: string }[];
    // Two pipes have no order between them (decision 8).
    expect(lines.map((l) => `${l.stream} ${l.line}`).toSorted()).toEqual(['err failed', 'out opened', 'out plain']);
  });
});

test('restart gives a new process and counts no automatic restart', async () => {
  await using reeve = startReeve();
  reeve.project({
    services: {
      a: { command: run(reeve.program('stays')) },
      b: { command: run(reeve.program('stays')), depends_on: ['a'] },
    },
  });
  await reeve.run(['up', '-d']);
  const before = await reeve.json<PsView>(['ps']);
  expect((await reeve.run(['restart', 'a'])).code).toBe(0);
  const after = await reeve.json<PsView>(['ps']);
  expect(after.services[0]?.pid).not.toBe(before.services[0]?.pid);
  expect(after.services[1]?.pid).toBe(before.services[1]?.pid);
  expect(after.services[0]?.restarts).toBe(0);
  expect((await reeve.run(['restart'])).code).toBe(0);
  expect((await reeve.json<PsView>(['ps'])).services[1]?.pid).not.toBe(before.services[1]?.pid);
});
