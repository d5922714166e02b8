import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { pause } from '@reeve/host';
import { expect, test } from 'vitest';
import { copiesOf } from '../harness/ask.ts';
import { startReeve } from '../harness/reeve.ts';
import { shell } from '../harness/shell.ts';
import { until } from '../harness/until.ts';
import { daemonOf, keeperOf, statusNumber } from '../harness/victims.ts';

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('U2: run passes the bytes of its command, each to its own stream, and no other run’s', async () => {
  await using reeve = startReeve();
  const first = await shell(reeve, 'reeve run --name x -- printf abc');
  expect([first.code, first.stdout.toString()]).toEqual([0, 'abc']);
  const second = await shell(reeve, "reeve run --name x -- sh -c 'echo def; printf oops >&2'");
  expect([second.stdout.toString(), second.stderr.toString()]).toEqual(['def\n', 'oops']);
  const script =
    'head -c 3000000 /dev/urandom >bytes; reeve run --name x cat bytes; reeve run --name x sh -c "cat bytes >&2"';
  const { stdout, stderr } = await shell(reeve, script);
  const bytes = readFileSync(path.join(reeve.folder, 'bytes'));
  expect([hash(stdout), hash(stderr)]).toEqual([hash(bytes), hash(bytes)]);
});

test('U2: what the children of a command wrote, and a line without an end, are passed as well', async () => {
  await using reeve = startReeve();
  const { stdout } = await shell(
    reeve,
    `reeve run sh -c 'printf "a\\r\\0\\377"; (printf b; exec sleep 99) & printf c'`,
  );
  expect([...stdout.toString('latin1')].sort()).toEqual([...'\0\rabc\xff']);
});

test('U2: run loses nothing where its reader is slow: the command is blocked as by any pipe, and no one keeps it in memory', async () => {
  await using reeve = startReeve();
  const count = 12_000_000;
  const bin = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');
  const client = spawn(process.execPath, [bin, 'run', '--name', 'x', 'seq', '1', String(count)], {
    cwd: reeve.folder,
    env: { ...process.env, REEVE_HOME: reeve.home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const ended = once(client, 'close');
    // Nothing is read until the command is blocked, or has ended.
    let before = -1;
    await until('its log grows no more', async () => {
      const now = sizeBelow(path.join(reeve.home, 'logs'));
      const isSame = now > 12e6 && now === before;
      before = now;
      return isSame || pause(500).then(() => false);
    });
    const most = [client.pid, daemonOf(reeve), keeperOf(reeve)].map((pid) => statusNumber(Number(pid), 'VmHWM'));
    expect(Math.max(...most)).toBeLessThan(300_000);
    const got = createHash('sha256');
    for await (const chunk of client.stdout) got.update(chunk as Buffer);
    expect(await ended).toEqual([0, null]);
    const { stdout } = await shell(reeve, `seq 1 ${count} | sha256sum`);
    expect(got.digest('hex')).toBe(stdout.toString().slice(0, 64));
  } finally {
    client.kill('SIGKILL');
  }
});

/** Bytes of all files. */
function sizeBelow(folder: string): number {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const sizes = files.map(
    ({ parentPath, name }) => statSync(path.join(parentPath, name), { throwIfNoEntry: false })?.size ?? 0,
  );
  return sizes.reduce((sum, each) => sum + each, 0);
}

test('U2: an attached up shows nothing of an earlier run', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { x: { command: 'printf abc', oneshot: true } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  reeve.project({ services: { x: { command: [...reeve.program('stays')], ready: { log: 'ready' } } } });
  const client = reeve.start(['up', '--attach']);
  await client.line(/goodbye|^ready|ready$/);
  client.signal('SIGINT');
  const { code, stdout } = await client.ended;
  expect(stdout).not.toContain('abc');
  expect(code).toBe(130);
});

test('U3: a run whose reader has gone is stopped, and says 141', async () => {
  await using reeve = startReeve();
  const forever = reeve.program('stays').join("' '");
  const { stdout } = await shell(
    reeve,
    `reeve run sh -c "while :; do echo x; sleep .1; done; '${forever}'" 2>/dev/null | head -1; echo \${PIPESTATUS[0]}`,
  );
  expect(stdout.toString()).toBe('x\n141\n');
  expect(copiesOf(reeve, 'while :')).toEqual([]);
});

test('U3: a reader that goes away stops an attached up as Ctrl-C does, and ends what only follows', async () => {
  await using reeve = startReeve();
  const chatters = ['sh', '-c', 'while :; do echo x; sleep .1; done'];
  reeve.project({ services: { a: { command: chatters }, b: { command: chatters } } });
  const follow = await shell(
    reeve,
    'reeve up -d >/dev/null; reeve logs -f | head -1 >/dev/null; echo ${PIPESTATUS[0]}; reeve status a >/dev/null; echo $?',
  );
  expect(follow.stdout.toString()).toBe('141\n0\n');
  const attached = await shell(
    reeve,
    'reeve up --attach 2>/dev/null | head -3 >/dev/null; echo ${PIPESTATUS[0]}; reeve status a >/dev/null; echo $?',
  );
  expect(attached.stdout.toString()).toBe('141\n3\n');
});

test('U3: a result that could not be written is a failure, and said, for every command', async () => {
  await using reeve = startReeve();
  reeve.project({ services: { a: { command: [...reeve.program('stays')] } } });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  const commands = [
    'ps',
    'ps --json',
    'validate',
    'status a',
    'events',
    'logs',
    'why a',
    'ports',
    'graph',
    'version',
    'help',
  ];
  const line = commands
    .map((each) => `reeve ${each} >/dev/full 2>err; echo $? $(grep -c 'could not be written' err)`)
    .join(';');
  const expected = commands.map((each) => (each === 'logs' ? /^(0 0|1 1)$/ : /^1 1$/));
  const said = (await shell(reeve, line)).stdout.toString().trim().split('\n');
  for (const [i, each] of said.entries()) expect(each, commands[i]).toMatch(expected[i] ?? '');
  const full = await shell(
    reeve,
    'reeve run --name y yes >/dev/full; echo $?; reeve stop >/dev/full; echo $?; reeve status a >/dev/null; echo $?',
  );
  expect(full.stdout.toString()).toBe('1\n1\n3\n');
});
