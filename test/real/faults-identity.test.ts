import { release } from 'node:os';
import path from 'node:path';
import type { PsView, Receipt } from '@reeve/contract';
import { describe, expect, onTestFinished, test } from 'vitest';
import { copiesOf, serviceOf } from '../harness/ask.ts';
import { startByHand } from '../harness/by-hand.ts';
import { startClient } from '../harness/client.ts';
import { servicesAlive } from '../harness/escape-world.ts';
import { hasOwnProcOptions, hiddenProcesses, otherBootTime, whyNot } from '../harness/namespaces.ts';
import { isStillThere, killSeen, lookAt, type SeenProcess } from '../harness/proc-scan.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const isRoot = process.getuid?.() === 0;
const stop = { timeout: '500ms' };

/** Somebody who has nothing to do with reeve; ended with the test. */
function seen(pid: number): SeenProcess {
  const found = lookAt(pid, 'the test started it');
  if (found === null) throw new Error(`pid ${pid} is not there`);
  onTestFinished(() => killSeen(found));
  return found;
}

const noTimeNamespace = isRoot ? whyNot(otherBootTime) : 'only root can make a time namespace';

describe.skipIf(noTimeNamespace !== null)(
  `PI6: in another time namespace (${noTimeNamespace ?? 'to be had here'})`,
  () => {
    const within = (reeve: TestReeve, ...args: readonly string[]) =>
      startClient(args, { cwd: reeve.folder, env: { REEVE_HOME: reeve.home, REEVE_PORT: '0' } }, otherBootTime).ended;

    test('a command knows the processes of a daemon outside, with it and without it', async () => {
      await using reeve = startReeve();
      reeve.project({ services: { one: { command: [...reeve.program('stays')], stop } } });
      expect((await reeve.run(['up', '-d'])).code).toBe(0);
      const { pid } = await serviceOf(reeve, 'one');
      const [daemon = 0] = copiesOf(reeve, '/reeved.js');
      process.kill(daemon, 'SIGKILL');
      await until('the daemon is gone', () => lookAt(daemon, '') === null);
      const { daemon: without, services } = (await within(reeve, 'ps', '--json')).json() as PsView;
      expect(without.running).toBe(false);
      expect(services[0]).toMatchObject({ name: 'one', state: 'running', pid });
    });

    test('the next daemon takes a live process over, never for a recycled pid, and ends it for commands of both', async () => {
      await using reeve = startReeve();
      reeve.project({ services: { one: { command: [...reeve.program('stays')], stop } } });
      expect((await reeve.run(['up', '-d'])).code).toBe(0);
      const before = await serviceOf(reeve, 'one');
      for (const enter of [within, (_: TestReeve, ...args: readonly string[]) => reeve.run(args)]) {
        const [daemon = 0] = copiesOf(reeve, '/reeved.js');
        process.kill(daemon, 'SIGKILL');
        await until('the daemon is gone', () => lookAt(daemon, '') === null);
        const up = await enter(reeve, 'up', '-d');
        expect(up.code, up.stderr).toBe(0);
        const now = await serviceOf(reeve, 'one');
        expect(now).toMatchObject({ state: 'running', pid: before.pid, restarts: 0 });
        expect(servicesAlive(reeve)).toHaveLength(1);
      }
      const receipt = (await within(reeve, 'stop', '--json')).json() as Receipt;
      expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [] });
      expect(servicesAlive(reeve)).toEqual([]);
    });

    test.each(['kill', 'stop'])('%s ends what was written down outside, and nobody else', async (verb) => {
      await using reeve = startReeve();
      reeve.project({ services: { one: { command: [...reeve.program('stays')], stop } } });
      await using other = startByHand(reeve, ['sleep', '1000']);
      expect((await reeve.run(['up', '-d'])).code).toBe(0);
      const done = await within(reeve, verb, 'one');
      expect(done.code, done.stderr).toBe(0);
      expect((await serviceOf(reeve, 'one')).state).toBe('stopped');
      expect(isStillThere(seen(other.pid))).toBe(true);
    });

    test('a service that announces itself there is known here, and one here is known there', async () => {
      await using reeve = startReeve();
      reeve.project({ project: 'shop', services: {} });
      const wish = (service: string) => reeve.program('announces', JSON.stringify({ service }));
      await using there = startByHand(reeve, [...otherBootTime, ...wish('there')]);
      await using here = startByHand(reeve, wish('here'));
      await Promise.all([there.open(), here.open()]);
      const expected = [
        { name: 'here', state: 'running', pid: here.pid },
        { name: 'there', state: 'running', pid: there.pid },
      ];
      expect((await reeve.json<PsView>(['ps'])).services).toMatchObject(expected);
      expect(((await within(reeve, 'ps', '--json')).json() as PsView).services).toMatchObject(expected);
    });

    test('the Python library writes the same start tick there', async () => {
      await using reeve = startReeve();
      const library = path.resolve(import.meta.dirname, '../../packages/sdk-python');
      const code = 'import os, reeve, time; print("open", reeve._start_tick(os.getpid()), flush=True); time.sleep(600)';
      const env = { PYTHONPATH: library, PYTHONDONTWRITEBYTECODE: '1' };
      await using python = startByHand(reeve, [...otherBootTime, 'python3', '-c', code], { env });
      await python.open();
      expect(Number(/open (\d+)/.exec(python.output())?.[1])).toBe(lookAt(python.pid, '')?.start);
    });
  },
);

const noHiding = !isRoot
  ? 'only root can mount /proc again'
  : hasOwnProcOptions(release())
    ? whyNot(hiddenProcesses)
    : 'this kernel would hide processes from everybody';

describe.skipIf(noHiding !== null)(`PI7: where /proc hides what others run (${noHiding ?? 'to be had here'})`, () => {
  const within = (reeve: TestReeve, ...args: readonly string[]) => {
    const env = { REEVE_HOME: reeve.home, REEVE_PORT: '0', HOME: reeve.home };
    return startClient(args, { cwd: reeve.folder, env }, hiddenProcesses).ended;
  };

  test('a foreign pid is not touched, whatever is asked, and it is not said to be gone', async () => {
    await using reeve = startReeve({ asNobody: true });
    await using other = startByHand(reeve, ['sleep', '1000']);
    for (const more of [[], ['--force']]) {
      const kill = await within(reeve, 'kill', `${other.pid}`, ...more);
      expect(kill.code, kill.stderr).toBe(7);
      expect(kill.stderr).toContain('may not be looked at');
    }
    expect(lookAt(other.pid, '')).not.toBeNull();
  });

  test('the holder of a declared port is named as far as it can be seen, and left alone', async () => {
    await using reeve = startReeve({ asNobody: true });
    const port = await reeve.port();
    const listens = `require('node:net').createServer().listen(${port}, '127.0.0.1', () => console.log('open '))`;
    await using other = startByHand(reeve, [process.execPath, '-e', listens]);
    await other.open();
    reeve.project({ services: { web: { command: [...reeve.program('stays')], ports: [port], restart: 'never' } } });
    const up = await within(reeve, 'up', '-d');
    expect(up.code).not.toBe(0);
    expect(up.stdout + up.stderr).toContain(`${port}`);
    expect(up.stdout + up.stderr).toContain('root');
    expect((await within(reeve, 'kill', `:${port}`, '--force')).code).toBe(7);
    expect((await within(reeve, 'stop')).code).toBe(0);
    expect(lookAt(other.pid, '')).not.toBeNull();
  });

  test('what is announced under a foreign pid is unknown, neither live nor dead, and nothing is signalled for it', async () => {
    await using reeve = startReeve({ asNobody: true });
    await using other = startByHand(reeve, ['sleep', '1000']);
    const start = seen(other.pid).start;
    const card = { name: 'web', folder: reeve.folder, project: 'shop', pid: other.pid, start_tick: start };
    const drop = `umask 077; mkdir -p "$REEVE_HOME/announce"; echo '${JSON.stringify(card)}' > "$REEVE_HOME/announce/web.json"`;
    reeve.project({ project: 'shop', services: { drop: { command: drop, oneshot: true } } });
    expect((await within(reeve, 'up', '-d')).code).toBe(0);
    await until('the file is there', async () => {
      const { announcements } = (await within(reeve, 'advertisements', '--json')).json() as {
        announcements: readonly { name: string; liveness: string }[];
      };
      return announcements.find(({ name, liveness }) => name === 'web' && liveness === 'unknown');
    });
    await within(reeve, 'stop');
    await within(reeve, 'kill', 'web', '--force');
    expect(lookAt(other.pid, '')).not.toBeNull();
  });

  test('its own services are started, found again and stopped as ever', async () => {
    await using reeve = startReeve({ asNobody: true });
    reeve.project({ services: { one: { command: [...reeve.program('ignores-all')], stop, ready: { log: 'ready' } } } });
    const up = await within(reeve, 'up', '-d');
    expect(up.code, up.stderr).toBe(0);
    const receipt = (await within(reeve, 'stop', '--json')).json() as Receipt;
    expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [] });
    expect(receipt.services[0]?.processes).toHaveLength(2);
    expect(servicesAlive(reeve)).toEqual([]);
  });
});
