import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { PortRow, PsView, WhyView } from '@reeve/contract';
import { expect, onTestFinished, test } from 'vitest';
import { serviceOf } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

test('U4: a port of another project is named as its service in every view, and the command offered is that of its owner', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  const web = { command: [...reeve.program('http-server')], ports: [port] };
  reeve.project({ project: 'proj-a', services: { web } });
  const other = `${reeve.folder}/b`;
  reeve.project({ project: 'proj-b', services: { rival: web } }, other);
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid } = await serviceOf(reeve, 'web');

  const up = await reeve.run(['up', '-d'], { cwd: other });
  expect(up.code).toBe(5);
  expect(up.stdout + up.stderr).toContain(`port ${port} is held by web of proj-a (pid ${pid})`);
  expect(up.stdout + up.stderr).toContain('reeve --project proj-a stop web');
  expect(up.stdout + up.stderr).not.toContain('reeve kill');

  const ps = await reeve.json<PsView>(['ps'], { cwd: other });
  expect(ps.unmanaged).toEqual([]);
  const why = await reeve.run(['why', 'rival'], { cwd: other });
  expect(why.stdout).toContain('web of proj-a');
  expect(why.stdout).not.toContain('left over');
  expect(why.stdout).toContain('reeve --project proj-a stop web');
  const all = await reeve.run(['ps', '--all']);
  expect(all.stdout.split('\n').map((line) => line.split('\t').slice(0, 2))).toEqual(
    expect.arrayContaining([
      ['PROJECT', 'NAME'],
      ['proj-a', 'web'],
      ['proj-b', 'rival'],
    ]),
  );

  // The command that was offered frees the port.
  expect((await reeve.run(['--project', 'proj-a', 'stop', 'web'], { cwd: other })).code).toBe(0);
  expect((await reeve.run(['up', '-d'], { cwd: other })).code).toBe(0);
});

test('U4: a foreign program on the port of a service is not left over, and is not of any service', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  const holder = listen(port);
  await holder.listening;
  reeve.project({ project: 'shop', services: { web: { command: [...reeve.program('http-server')], ports: [port] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(5);
  const why = await reeve.run(['why', 'web']);
  expect(why.stdout).toContain(`holds port ${port}`);
  expect(why.stdout).not.toContain('left over');
  expect(why.stdout).toContain(`reeve kill :${port} --force`);
  const { survivors } = await reeve.json<WhyView>(['why', 'web']);
  expect(survivors).toMatchObject([{ pid: holder.pid, found_by: ['port'], started_at: expect.any(String) }]);
});

test('U29: ports PORT names every listener, with a daemon and without', async () => {
  await using reeve = startReeve();
  const port = await reeve.port();
  const listeners = async () => {
    const { ports } = await reeve.json<{ ports: PortRow[] }>(['ports', String(port)]);
    return new Map(ports.map(({ owner }) => [owner?.pid, owner?.ours]));
  };
  reeve.project({ services: { web: { command: [...reeve.program('http-server')], ports: [port] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const { pid } = await serviceOf(reeve, 'web');
  const [first, second] = [listen(port, '127.0.0.2'), listen(port, '127.0.0.3')];
  await Promise.all([first.listening, second.listening]);
  const all = new Map([
    [pid, true],
    [first.pid, false],
    [second.pid, false],
  ]);
  expect(await listeners()).toEqual(all);
  expect((await reeve.run(['daemon', 'stop'])).code).toBe(0);
  expect(await listeners()).toEqual(all);
});

interface Listening {
  readonly pid: number;
  readonly listening: Promise<unknown>;
}

/** A program of no project that listens. Ended with the test. */
function listen(port: number, address = '127.0.0.1'): Listening {
  const text = `require('net').createServer().listen(${port}, '${address}', () => console.log('listening'))`;
  const child: ChildProcess = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await until('it has ended', () => child.exitCode !== null || child.signalCode !== null);
  });
  return { pid: child.pid ?? 0, listening: once(child.stdout ?? child, 'data') };
}
