import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort, isBindable, releasePort } from './free-port.ts';
import { cgroup2Mount, outsideCgroup } from './outside-cgroup.ts';
import { environmentOf, isStillThere, killSeen, lookAt, processesOf } from './proc-scan.ts';
import { program } from './program.ts';
import { until } from './until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rv-'));
});
afterEach(async () => {
  for (const left of processesOf(folder)) killSeen(left);
  await until('no process is left', () => processesOf(folder).length === 0);
  rmSync(folder, { recursive: true, force: true });
});

function start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const [command = '', ...args] = argv;
  return spawn(command, args, { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function firstLine(child: ChildProcess, pattern: RegExp): Promise<string> {
  if (child.stdout === null) throw new Error('its output is not piped');
  for await (const line of createInterface({ input: child.stdout })) if (pattern.test(line)) return line;
  throw new Error(`it ended without a line like ${pattern}`);
}

test('a process that carries the folder in its environment is seen, and no longer when it has ended', async () => {
  const child = start(program('stays'), { REEVE_HOME: folder });
  await firstLine(child, /ready/);
  const [seen, ...others] = processesOf(folder);
  expect(seen).toMatchObject({ pid: child.pid, because: 'environment' });
  expect(others).toEqual([]);
  expect(environmentOf(child.pid ?? 0)['REEVE_HOME']).toBe(folder);
  child.kill();
  await once(child, 'exit');
  expect(processesOf(folder)).toEqual([]);
});

test('a daemon that forked twice, changed its session and emptied its environment is still seen by its mark', async () => {
  const child = start(program('double-forks', 'env=clear', 'main=exit', `mark=${folder}`));
  const daemon = Number((await firstLine(child, /^daemon/)).split(' ')[1]);
  expect(environmentOf(daemon)).not.toHaveProperty('PATH');
  expect(processesOf(folder)).toContainEqual(expect.objectContaining({ pid: daemon, because: 'command line' }));
});

test('killing what was seen ends that process, and never a later one with the same pid', async () => {
  const child = start(program('ignores-sigterm'), { REEVE_HOME: folder });
  await firstLine(child, /ready/);
  const seen = lookAt(child.pid ?? 0, 'test');
  if (seen === null) throw new Error('it should be alive');
  killSeen({ ...seen, start: seen.start + 1 });
  expect(isStillThere(seen)).toBe(true);
  killSeen(seen);
  const [, signal] = await once(child, 'exit');
  expect(signal).toBe('SIGKILL');
});

test('a cgroup around a test counts even those that carry no mark, where cgroup v2 can be written', async () => {
  const cgroup = outsideCgroup(path.basename(folder));
  if (cgroup === null) {
    const mount = cgroup2Mount();
    expect(mount === null || !isWritable(mount)).toBe(true);
    return;
  }
  const child = start([...cgroup.enter, ...program('double-forks', 'env=clear', 'main=exit')]);
  const daemon = Number((await firstLine(child, /^daemon/)).split(' ')[1]);
  const members = cgroup.processes();
  expect(members).toContainEqual(expect.objectContaining({ pid: daemon, because: 'cgroup' }));
  for (const member of members) killSeen(member);
  await cgroup.remove();
});

function isWritable(folderToWrite: string): boolean {
  try {
    accessSync(folderToWrite, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

test('two ports are never the same, and a port with a listener is not bindable', async () => {
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  expect(new Set(ports).size).toBe(3);
  const [port = 0] = ports;
  expect(await isBindable(port)).toBe(true);
  const child = start(program('http-server', `port=${port}`), { REEVE_HOME: folder });
  await firstLine(child, /listening/);
  expect(await isBindable(port)).toBe(false);
  for (const each of ports) releasePort(each);
});
