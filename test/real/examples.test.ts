import { execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { EventView, PsView, Receipt } from '@reeve/contract';
import { describe, expect, test } from 'vitest';
import { moveTournament, stack, tournament } from '../harness/example.ts';
import { freePort, isBindable, releasePort } from '../harness/free-port.ts';
import { killSeen, processesOf } from '../harness/proc-scan.ts';
import { startReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const hasStack = ['/usr/bin/redis-server', '/usr/sbin/nginx'].every(existsSync) && existsSync('/usr/lib/postgresql');

/** What Redis answers to one command. */
function askRedis(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.once('data', (data) => {
      resolve(data.toString().trim());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

const orderIn = (events: readonly EventView[]) => (service: string, event: string) => {
  const at = events.findIndex((e) => e.service === service && e.event === `service.${event}`);
  expect(at, `${service} ${event}`).toBeGreaterThanOrEqual(0);
  return at;
};

describe('examples/tournament', () => {
  test('comes up in order, does its work, and goes without remainder', async () => {
    await using reeve = startReeve();
    const ports = await tournament(reeve);
    const up = await reeve.run(['up', '-d', '--wait', '--timeout', '100s'], { limit: 110_000 });
    expect(up.code, up.stderr + up.stdout).toBe(0);
    const ps = await reeve.json<PsView>(['ps']);
    expect(ps.services.map((s) => `${s.name} ${s.state}`)).toEqual([
      'db running',
      'migrate completed',
      'api running',
      'worker running',
      'web-editor running',
    ]);

    const at = orderIn((await reeve.run(['events', '--json'])).jsonLines() as EventView[]);
    expect(at('db', 'healthy')).toBeLessThan(at('migrate', 'started'));
    expect(at('migrate', 'completed')).toBeLessThan(at('api', 'started'));
    expect(at('api', 'healthy')).toBeLessThan(at('web-editor', 'started'));

    const post = (where: string, body: object) =>
      fetch(`http://127.0.0.1:${ports.web}${where}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    for (const name of ['Ada', 'Grace']) expect((await post('/api/players', { name })).ok).toBe(true);
    const players = (await (await fetch(`http://127.0.0.1:${ports.api}/players`)).json()) as unknown;
    expect(JSON.stringify(players)).toContain('Grace');
    expect(await (await fetch(`http://127.0.0.1:${ports.web}/`)).text()).toContain('<title>Tournament</title>');

    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt).toMatchObject({ status: 'COMPLETE', survivors: [] });
    for (const port of Object.values(ports)) expect(await isBindable(port)).toBe(true);
    expect((await reeve.run(['logs', 'web-editor', '-n', 'all'])).stdout).toContain('stopped cleanly');
  });
});

describe.skipIf(!hasStack)('examples/stack (needs the Debian packages postgresql, redis-server and nginx)', () => {
  test('PostgreSQL, Redis and nginx answer, and stop leaves nothing of them', async () => {
    await using reeve = startReeve();
    const { env, ...ports } = await stack(reeve);
    const up = await reeve.run(['up', '-d', '--wait', '--timeout', '100s'], { env, limit: 110_000 });
    expect(up.code, up.stderr + up.stdout).toBe(0);
    const query = await run('psql', [
      '-h',
      '127.0.0.1',
      '-p',
      `${ports.postgres}`,
      '-U',
      'postgres',
      '-d',
      'postgres',
      '-Atc',
      'select 6 * 7',
    ]);
    expect(query.stdout.trim()).toBe('42');
    expect(await askRedis(ports.redis, 'PING')).toBe('+PONG');
    expect((await fetch(`http://127.0.0.1:${ports.http}/`)).status).toBe(200);

    const receipt = await reeve.json<Receipt>(['stop']);
    expect(receipt.status).toBe('COMPLETE');
    const db = receipt.services.find((s) => s.name === 'db');
    expect(db?.processes.length, 'PostgreSQL and the processes it forked').toBeGreaterThan(3);
    for (const port of Object.values(ports)) expect(await isBindable(port)).toBe(true);
    expect(reeve.outside().filter((p) => /postgres|redis|nginx/.test(p.command))).toEqual([]);
  });

  // It clears its environment: without a cgroup nothing tells yet whose it is, and the receipt says so.
  test.skipIf(process.getuid?.() !== 0)('an nginx that detaches itself is ended all the same (as root)', async () => {
    await using reeve = startReeve();
    const { env, ...ports } = await stack(reeve);
    const cwd = path.join(reeve.folder, 'daemonises');
    const up = await reeve.run(['up', '-d', '--timeout', '60s'], { cwd, env });
    expect(up.code, up.stderr + up.stdout).toBe(0);
    expect((await fetch(`http://127.0.0.1:${ports.http}/`)).status).toBe(200);
    expect((await reeve.run(['stop'], { cwd, env })).code).toBe(0);
    expect(await isBindable(ports.http)).toBe(true);
    expect(reeve.outside().filter((p) => p.command.includes('nginx'))).toEqual([]);
  });
});

describe('npm start', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'without a terminal: plain lines, and %s ends it with a receipt and 0',
    async (signal) => {
      await using checkout = await ownCheckout();
      const child = spawn('npm', ['start'], {
        cwd: checkout.folder,
        env: { ...process.env, NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text;
        });
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      await until(
        'it is attached',
        () => output.includes('Ctrl-C stops all of it') || child.exitCode !== null,
        110_000,
      );
      child.kill(signal);
      expect(await ended, output).toBe(0);
      expect(output).toContain('COMPLETE');
      expect(output).toContain(`home: ${checkout.folder}/.reeve`);
      expect(processesOf(checkout.folder).map((p) => p.command)).toEqual([]);
    },
  );
});

/** What `npm start` needs of a checkout, in a folder of its own; the packages are those that are installed. */
async function ownCheckout(): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'rc-')));
  for (const name of [
    'package.json',
    'package-lock.json',
    '.npmrc',
    'packages',
    'scripts',
    'examples',
    'tsconfig.json',
    'tsconfig.base.json',
  ]) {
    cpSync(path.join(root, name), path.join(folder, name), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (file) => !/\/(data|\.reeve)(\/|$)/.test(file.slice(root.length)),
    });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const ports = { db: await freePort(), api: await freePort(), web: await freePort() };
  moveTournament(path.join(folder, 'examples/tournament'), ports);
  return {
    folder,
    [Symbol.asyncDispose]: async () => {
      for (const left of processesOf(folder)) killSeen(left);
      await until('nothing of it is left', () => processesOf(folder).length === 0);
      for (const port of Object.values(ports)) releasePort(port);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
