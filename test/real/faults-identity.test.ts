import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import path from 'node:path';
import type { PsView, Receipt } from '@reeve/contract';
import { describe, expect, onTestFinished, test } from 'vitest';
import { copiesOf, serviceOf } from '../harness/ask.ts';
import { startByHand } from '../harness/by-hand.ts';
import { startClient } from '../harness/client.ts';
import { pidIn, processIn, servicesAlive, worlds } from '../harness/escape-world.ts';
import { hasOwnProcOptions, hiddenProcesses, otherBootTime, whyNot } from '../harness/namespaces.ts';
import { isStillThere, killSeen, lookAt, type SeenProcess } from '../harness/proc-scan.ts';
import { program } from '../harness/program.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const isRoot = process.getuid?.() === 0;
const stop = { timeout: '500ms' };

/** A process that has nothing to do with reeve; ended with the test. */
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

    test.each(['kill', 'stop'])('%s ends what was written down outside, and nothing else', async (verb) => {
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
    : 'this kernel would hide processes from every user';

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

/** It belongs to no service here: neither its command line nor its environment names the home or the project. */
async function otherDaemon(reeve: TestReeve) {
  const socket = `${path.dirname(reeve.home)}.sock`;
  const daemon = startByHand(reeve, program('spawns-for-others', 'mode=serve', `socket=${socket}`), {
    cwd: '/',
    env: { REEVE_HOME: '' },
  });
  await until('it serves', () => /^open/m.test(daemon.output()));
  chmodSync(socket, 0o777);
  const asks = (...more: readonly string[]) =>
    reeve.program(
      'spawns-for-others',
      'mode=ask',
      `socket=${socket}`,
      `file=${path.join(reeve.folder, 'pid')}`,
      ...more,
    );
  const ends = reeve.program('spawns-for-others', 'mode=end', `socket=${socket}`);
  const end = async () => {
    await daemon[Symbol.asyncDispose]();
    rmSync(socket, { force: true });
  };
  return { asks, ends, [Symbol.asyncDispose]: end };
}

async function up(reeve: TestReeve, service: object): Promise<SeenProcess> {
  reeve.project({ project: 'shop', services: { one: { stop, ready: { log: 'asked' }, ...service } } });
  const result = await reeve.run(['up', '-d']);
  expect(result.code, result.stdout + result.stderr).toBe(0);
  return seen(await pidIn(reeve, 'pid'));
}

describe.each(worlds)('things that another daemon started, $name', ({ start }) => {
  test('CB17: are outside: the stop is complete without them, names none of them, and they live on', async () => {
    await using reeve = start();
    await using other = await otherDaemon(reeve);
    const outside = await up(reeve, { command: [...other.asks()] });
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [] });
    expect(processIn(receipt, outside.pid)).toBeUndefined();
    expect(isStillThere(outside)).toBe(true);
  });

  test('CB17: are removed by the stop command that the service declares for them', async () => {
    await using reeve = start();
    await using other = await otherDaemon(reeve);
    const outside = await up(reeve, { command: [...other.asks()], stop: { timeout: '5s', command: [...other.ends] } });
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.status).toBe('COMPLETE');
    expect(receipt.services[0]?.stop_commands).toMatchObject([{ outcome: 'done' }]);
    await until('it is gone', () => !isStillThere(outside));
  });
});

/** Started by root's daemon they are root's: an ordinary user cannot read what they carry. */
const seeing = worlds.filter(({ name }) => !isRoot || name !== 'as an ordinary user');

describe.each(seeing)('things that another daemon started and that carry the cookie, $name', ({ start }) => {
  test('CB17: are ended after all when they were given the environment of the service', async () => {
    await using reeve = start();
    await using other = await otherDaemon(reeve);
    const outside = await up(reeve, { command: [...other.asks('env=keep')] });
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(processIn(receipt, outside.pid)).toMatchObject({ found_by: ['cookie'], signals: ['SIGTERM'] });
    expect(isStillThere(outside)).toBe(false);
  });

  test('PI9: are left alone when they say so, while it runs and after it, and every view names them', async () => {
    await using reeve = start();
    await using other = await otherDaemon(reeve);
    const detached = ['env', 'REEVE_DETACHED=1', ...other.asks('env=keep')];
    const outside = await up(reeve, { command: ['sh', '-c', '"$@" & exec sleep 1000', 'sh', ...detached] });
    const unmanaged = async () => (await reeve.json<PsView>(['ps'])).unmanaged;
    const listed = { pid: outside.pid, service: 'one', found_by: ['cookie'], command: 'sleep 1000' };
    expect(await unmanaged()).toContainEqual(expect.objectContaining(listed));
    for (const verb of ['stop', 'stop', 'kill']) {
      const result = await reeve.run([verb, 'one', '--json']);
      expect(result.code, result.stderr).toBe(0);
      const receipt = result.json() as Receipt;
      expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [] });
      expect(processIn(receipt, outside.pid)).toBeUndefined();
      expect(isStillThere(outside), verb).toBe(true);
      expect(await unmanaged()).toContainEqual(expect.objectContaining(listed));
    }
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    expect((await serviceOf(reeve, 'one')).pid).not.toBe(outside.pid);
    const { services } = await reeve.json<Receipt>(['stop']);
    expect(services[0]?.promise_reason).toContain('REEVE_DETACHED=1');
    for (const each of servicesAlive(reeve)) killSeen(each);
    await until('they are gone', () => servicesAlive(reeve).length === 0);
  });
});

test('PI9: who says that he is detached and stays in the cgroup is ended; a service as a whole cannot say it', async () => {
  await using reeve = startReeve();
  const loud = 'test -z "$REEVE_DETACHED" && echo clean; exec sleep 1000';
  reeve.project({
    services: { whole: { command: loud, env: { REEVE_DETACHED: '1' }, stop, ready: { log: 'clean' } } },
  });
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(0);
  expect((await reeve.json<Receipt>(['stop'])).status).toBe('COMPLETE');
  expect(servicesAlive(reeve)).toEqual([]);
});

test.runIf(worlds.some(({ hasCgroup }) => hasCgroup))(
  'PI9: in the cgroup the kernel counts, and not what is said',
  async () => {
    await using reeve = startReeve();
    const command = 'REEVE_DETACHED=1 setsid sleep 1000 & echo ready; exec sleep 1000';
    reeve.project({ services: { one: { command, stop, ready: { log: 'ready' } } } });
    expect((await reeve.run(['up', '-d'])).code).toBe(0);
    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt).toMatchObject({ status: 'COMPLETE', services: [{ promise: 'verified' }] });
    expect(receipt.services[0]?.processes).toHaveLength(2);
    expect(receipt.services[0]?.promise_reason).not.toContain('left alone');
    expect(servicesAlive(reeve)).toEqual([]);
  },
);

describe('PI5: files that say that a process runs', () => {
  const folders = ['run', 'announce'] as const;
  interface Advertisements {
    readonly announcements: readonly { readonly name: string }[];
    readonly ignored: readonly { readonly file: string; readonly why: string }[];
  }

  test.each(folders)(
    'in %s/ are passed over with the reason when others can have written them, and no process is touched',
    async (folder) => {
      await using reeve = startReeve();
      await using other = startByHand(reeve, ['sleep', '1000']);
      const { start } = seen(other.pid);
      const card = (name: string) =>
        JSON.stringify({ name, folder: reeve.folder, project: 'shop', pid: other.pid, start_tick: start });
      const at = (n: number) => path.join(reeve.home, folder, `${String(n).padStart(12, '0')}.json`);
      mkdirSync(path.dirname(at(1)), { recursive: true, mode: 0o700 });
      const elsewhere = reeve.file('card.json', card('web'));
      symlinkSync(elsewhere, at(1));
      const write = (n: number, text: string, mode: number) => {
        writeFileSync(at(n), text);
        chmodSync(at(n), mode);
      };
      write(2, card('web'), 0o646);
      write(3, card('web'), 0o664);
      write(4, `${card('web')}${' '.repeat(10 << 20)}`, 0o600);
      write(5, card('web'), 0o600);
      if (isRoot) chownSync(at(5), 65_534, 65_534);
      const whys = [
        'is a symbolic link',
        'is writable by others',
        'is writable by others',
        'is larger than',
        ...(isRoot ? ['belongs to user 65534'] : []),
      ];
      reeve.project({ project: 'shop', services: { web: { command: [...reeve.program('stays')], stop } } });
      const { ignored, announcements } = await reeve.json<Advertisements>(['advertisements']);
      if (isRoot) expect(announcements.map(({ name }) => name)).toEqual([]);
      for (const [index, why] of whys.entries()) {
        expect(ignored.find(({ file }) => file === at(index + 1))?.why, why).toContain(why);
      }
      if (!isRoot) return;
      expect((await reeve.run(['up', '-d'])).code).toBe(0);
      expect((await serviceOf(reeve, 'web')).pid).not.toBe(other.pid);
      expect((await reeve.run(['cleanup', '--all'])).code).toBe(0);
      expect((await reeve.run(['stop'])).code).toBe(0);
      expect(lookAt(other.pid, '')).not.toBeNull();
    },
  );
});

test('D9: signal proves the main process as stop does: by its mark, where there is no cgroup and no cookie', async () => {
  await using reeve = startReeve({ env: { REEVE_TRACKERS_OFF: 'cgroup' } });
  const command = [...reeve.program('clears-its-env')];
  reeve.project({ services: { bare: { command, ready: { log: 'environment has' } } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const signal = await reeve.run(['signal', 'WINCH', 'bare']);
  expect(signal.code, signal.stderr).toBe(0);
  expect(await reeve.json<Receipt>(['stop'])).toMatchObject({ status: 'COMPLETE' });
});
