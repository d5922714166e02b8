import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Receipt, ServiceView } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { eventsOf, serviceOf, untilService } from '../harness/ask.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';

/** A newer command meets an older one that is still at work: what it has taken over is out of the older one's hands. */

const isStopping = (service: ServiceView): boolean => service.state === 'stopping';

/** Ends `ms` after SIGTERM. */
const slow = (reeve: TestReeve, ms: number, copy = 'slow') => ({
  command: [...reeve.program('slow-on-term', `ms=${ms}`, `copy=${copy};`)],
  ready: { log: 'ready' },
});
/** Ends after SIGTERM once the test opens the gate. */
const gated = (reeve: TestReeve) => {
  const gate = path.join(reeve.folder, 'gate');
  return {
    service: {
      command: [...reeve.program('slow-on-term', `gate=${gate}`)],
      ready: { log: 'ready' },
      stop: { timeout: '1m' },
    },
    /** The older run still stops, and the newer command is known. */
    overtaken: async () => {
      await untilService(reeve, 'slow', (s) => s.intent === 'up' && isStopping(s));
      writeFileSync(gate, '');
    },
  };
};
const stays = (reeve: TestReeve, copy: string) => ({
  command: [...reeve.program('stays', `copy=${copy};`)],
  ready: { log: 'ready' },
});
const stubborn = (reeve: TestReeve, timeout: string) => ({
  command: [...reeve.program('ignores-sigterm')],
  ready: { log: 'ready' },
  stop: { timeout },
});

describe('U19: a newer command meets an older one that is still at work', () => {
  test('U19: a start that follows a stop has the service; the stop proves the end of the older run and says so', async () => {
    await using reeve = startReeve();
    const { service, overtaken } = gated(reeve);
    reeve.project({ services: { slow: service } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const { pid: before } = await serviceOf(reeve, 'slow');
    const stop = reeve.start(['stop', '--json']);
    await untilService(reeve, 'slow', isStopping);
    const starting = reeve.start(['start', 'slow']);
    await overtaken();
    const start = await starting.ended;
    expect(start.code, start.stderr).toBe(0);
    const stopped = await stop.ended;
    const receipt = stopped.json() as Receipt;
    expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [], taken_over: [{ service: 'slow' }] });
    expect(receipt.taken_over?.[0]?.by).toMatch(/^start, by /);
    expect(receipt.services.flatMap((s) => s.processes).map(({ pid }) => pid)).toEqual([before]);
    expect(stopped.code).toBe(0);
    const after = await serviceOf(reeve, 'slow');
    expect(after).toMatchObject({ state: 'running', intent: 'up' });
    expect(after.pid).not.toBe(before);
  });

  test("U19: what a newer start has brought up outlives the older stop's limit", async () => {
    await using reeve = startReeve();
    reeve.project({ services: { quick: stays(reeve, 'quick'), hangs: stubborn(reeve, '1m') } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const stop = reeve.start(['stop', '--timeout', '3s']);
    await untilService(reeve, 'quick', (s) => s.state === 'stopped');
    expect((await reeve.run(['start', 'quick'])).code).toBe(0);
    const { pid } = await serviceOf(reeve, 'quick');
    const stopped = await stop.ended;
    expect(stopped.code, stopped.stdout).toBe(0);
    expect(stopped.stdout).toMatch(/quick: taken over by a newer command: start, by/);
    expect(stopped.stdout).not.toContain(`${pid}`);
    expect(await serviceOf(reeve, 'hangs')).toMatchObject({ state: 'stopped', intent: 'down' });
    expect(await serviceOf(reeve, 'quick')).toMatchObject({ state: 'running', intent: 'up', pid });
  });

  test('U19: an up that follows an abandoned stop stays up', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { quick: stays(reeve, 'quick'), hangs: stubborn(reeve, '3s') } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const stop = reeve.start(['stop', '--timeout', '1s']);
    await untilService(reeve, 'quick', (s) => s.state === 'stopped');
    stop.signal('SIGINT');
    expect((await stop.ended).code).toBe(130);
    // `hangs` keeps it waiting until long after the limit of the stop.
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    for (const name of ['quick', 'hangs'])
      expect(await serviceOf(reeve, name)).toMatchObject({ state: 'running', intent: 'up', restarts: 0 });
    const killed = (await eventsOf(reeve, 'quick')).filter(({ event }) => event === 'service.killing');
    expect(killed).toEqual([]);
  });

  test('U19: a down that an up has overtaken forgets nothing, and cleans up nothing', async () => {
    await using reeve = startReeve();
    const cleanup = { command: ['sh', '-c', 'echo cleaned >> cleaned'] };
    const { service, overtaken } = gated(reeve);
    reeve.project({ services: { slow: { ...service, cleanup } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const down = reeve.start(['down', '--json']);
    await untilService(reeve, 'slow', isStopping);
    const coming = reeve.start(['up', '-d']);
    await overtaken();
    const up = await coming.ended;
    expect(up.code, up.stderr).toBe(0);
    expect((await down.ended).json()).toMatchObject({ status: 'COMPLETE', taken_over: [{ service: 'slow' }] });
    expect(await serviceOf(reeve, 'slow')).toMatchObject({ state: 'running', intent: 'up' });
    expect(existsSync(path.join(reeve.folder, 'cleaned')), 'below a service that runs').toBe(false);
    expect((await reeve.run(['stop'])).code).toBe(0);
    expect(existsSync(path.join(reeve.folder, 'cleaned'))).toBe(true);
  });

  test('U19: an up that a stop has overtaken says by whom', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { base: { ...slow(reeve, 500), ready: { log: 'never said' } } } });
    const up = reeve.start(['up', '-d', '--json']);
    await untilService(reeve, 'base', (s) => s.state === 'starting');
    const stop = await reeve.run(['stop']);
    expect(stop.code, stop.stdout).toBe(0);
    const ended = await up.ended;
    expect(ended.code).toBe(1);
    const [service] = (ended.json() as { services: readonly { reason: string }[] }).services;
    expect(service?.reason).toMatch(/^taken over by a newer command: stop, by /);
  });
});

describe('U20: a stubborn dependant costs what it depends on nothing', () => {
  test('U20: without --timeout every service has its own grace, in order, and progress says which is waited for', async () => {
    await using reeve = startReeve();
    const needs = { depends_on: ['db'] };
    reeve.project({
      services: {
        db: { ...slow(reeve, 300, 'db'), stop: { timeout: '8s' } },
        bridge: { ...stubborn(reeve, '4s'), ...needs },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const stop = await reeve.run(['stop']);
    expect(stop.code, stop.stdout).toBe(0);
    expect(stop.stderr).toMatch(
      /still stopping after 2\.\ds: db waiting for bridge to exit; bridge stop signal sent; SIGKILL in \ds/,
    );
    expect(stop.stdout).toMatch(/db\t1\tSIGTERM\t0/);
    expect(stop.stdout).toMatch(/bridge\t1\tSIGTERM SIGKILL\tSIGKILL/);
  });

  test('U20: when the limit is over, no process is killed that has not had the stop signal for a second', async () => {
    await using reeve = startReeve();
    const needs = { depends_on: ['db'] };
    const child = [
      'sh',
      '-c',
      'trap "" TERM; python3 -c "import signal,sys,time\nsignal.signal(15, lambda *a: sys.exit(0))\nprint(1, flush=True)\nwhile True: time.sleep(60)"; :',
    ];
    reeve.project({
      services: {
        db: { ...slow(reeve, 300, 'db'), stop: { timeout: '1m' } },
        collector: { command: child, ready: { log: '1' }, stop: { timeout: '1m' }, ...needs },
        bridge: { ...stubborn(reeve, '1m'), ...needs },
      },
    });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop', '--timeout', '500ms']);
    expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [] });
    const signalsOf = (name: string) =>
      receipt.services.find((s) => s.name === name)?.processes.map(({ signals, exit }) => [...signals, exit?.code]);
    expect(signalsOf('db')).toEqual([['SIGTERM', 0]]);
    expect(signalsOf('collector')?.at(-1), 'the child of a shell that ignores the signal').toEqual([
      'SIGTERM',
      undefined,
    ]);
    expect(signalsOf('bridge')).toEqual([['SIGTERM', 'SIGKILL', null]]);
  });
});
