import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isSame, type LimitName, limitsOf, mayRaiseLimits, parseLimits } from '@reeve/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestKeeper } from '../../../../test/harness/keeper.ts';
import { until } from '../../../../test/harness/until.ts';
import { textOfBytes } from '../base/raw-bytes.ts';

let keeper: TestKeeper;
beforeAll(async () => {
  keeper = await TestKeeper.start();
});
afterAll(() => keeper[Symbol.asyncDispose]());

const isRoot = process.getuid?.() === 0;
const refused = (errno: string) =>
  expect.objectContaining({ code: 'SPAWN_FAILED', params: expect.objectContaining({ errno }) });

describe('how a process ended', () => {
  test.each([0, 1, 2, 37, 125, 126, 127, 128, 143, 255])('exit code %d', async (code) => {
    const { ended } = await keeper.run(['sh', '-c', `exit ${code}`]);
    expect(ended.exit).toMatchObject({ kind: 'code', code, signal: null });
  });

  test.each(['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGHUP', 'SIGPIPE', 'SIGUSR1', 'SIGSEGV'])(
    'signal %s',
    async (signal) => {
      const { ended } = await keeper.run(['sh', '-c', `ulimit -c 0; kill -${signal.slice(3)} $$`]);
      expect(ended.exit).toMatchObject({ kind: 'signal', code: null, signal });
    },
  );

  test('the same through a wrapper', async () => {
    const { ended } = await keeper.run(['sh', '-c', 'exit 125'], { nice: 0 });
    expect(ended.exit).toMatchObject({ kind: 'code', code: 125 });
    const killed = await keeper.run(['sh', '-c', 'kill -TERM $$'], { nice: 0 });
    expect(killed.ended.exit).toMatchObject({ kind: 'signal', signal: 'SIGTERM' });
  });
});

describe('what a process gets', () => {
  test('a session of its own, no signal blocked or ignored, nothing on its standard input, its own identity', async () => {
    const script =
      'grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status; cut -d" " -f6 /proc/$$/stat; ls /proc/$$/fd; cat; echo $$';
    const { id, ended } = await keeper.run(['sh', '-c', script]);
    const [blocked, ignored, , session, ...rest] = keeper.log(id).trim().split('\n');
    expect(blocked).toMatch(/:\s0+$/);
    expect(ignored).toMatch(/:\s0+$/);
    expect(Number(session)).toBe(ended.process.pid);
    expect(rest).toEqual(['0', '1', '2', String(ended.process.pid)]);
  });

  const odd = {
    'A.B': 'dot',
    PWD: '/not/here',
    IFS: ':',
    EMPTY: '',
    MANY: 'a\nb "$(c)"',
    'BASH_FUNC_x%%': '() { :; }',
    PPID: '7',
  };
  const names = ['PATH', ...Object.keys(odd)].sort();
  test.each([
    ['directly', {}],
    ['through a wrapper', { nice: 0 }],
  ])('exactly the environment that was given, %s', async (_way, change) => {
    const env = { PATH: process.env['PATH'] ?? '', ...odd };
    const print = 'process.stdout.write(JSON.stringify(process.env))';
    const { id } = await keeper.run([process.execPath, '-e', print], { env, ...change });
    expect(JSON.parse(keeper.log(id))).toEqual(env);
    expect(Object.keys(JSON.parse(keeper.log(id))).sort()).toEqual(names);
  });

  test.each([
    ['directly', {}],
    ['through a wrapper', { nice: 3 }],
  ])('an empty environment, %s', async (_way, change) => {
    const { id } = await keeper.run([process.execPath, '-p', 'JSON.stringify(process.env)'], { env: {}, ...change });
    expect(keeper.log(id)).toBe('{}\n');
  });

  test('arguments arrive as they are, whatever they hold', async () => {
    const args = ['a b', '$(touch x)', "'", '"', '', '-n', '*', '\\', 'ü\n', '; exit 9'];
    const print = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))';
    for (const change of [{}, { nice: 0 }]) {
      const { id, ended } = await keeper.run([process.execPath, '-e', print, '--', ...args], change);
      expect(ended.exit.code).toBe(0);
      expect(JSON.parse(keeper.log(id))).toEqual(args);
    }
  });

  test('umask, niceness and limits', async () => {
    const change = { umask: 0o27, nice: 7, limits: { nofile: 123, core: 0 } };
    const { id } = await keeper.run(['sh', '-c', 'umask; nice; ulimit -n; ulimit -Hn; ulimit -c'], change);
    expect(keeper.log(id)).toBe('0027\n7\n123\n123\n0\n');
  });

  test('U7: every kernel limit reaches the process, or is refused', async () => {
    const limits = {
      ...{ as: 2 ** 33, core: 4096, cpu: 1000, data: 2 ** 32, fsize: 2 ** 30, memlock: 65_536, msgqueue: 4096 },
      ...{ nice: 5, nofile: 100, nproc: 2000, rtprio: 5, sigpending: 50, stack: 2 ** 22 },
    };
    const own = limitsOf(process.pid);
    for (const [name, wanted] of Object.entries(limits)) {
      const isInReach = mayRaiseLimits() || BigInt(wanted) <= (own.get(name as LimitName)?.hard ?? 0n);
      const spawned = keeper.run(['cat', '/proc/self/limits'], { limits: { [name]: wanted } });
      if (isInReach) {
        const { id } = await spawned;
        expect(parseLimits(keeper.log(id)).get(name as LimitName), name).toEqual({
          soft: BigInt(wanted),
          hard: BigInt(wanted),
        });
      } else await expect(spawned).rejects.toThrow(`its limits.${name} is ${wanted}, but the hard limit`);
    }
  });

  test('without a umask of its own it gets the usual one, not that of the keeper', async () => {
    for (const change of [{}, { nice: 0 }]) {
      const { id } = await keeper.run(['sh', '-c', 'umask'], change);
      expect(keeper.log(id)).toBe('0022\n');
    }
  });

  test('echo to /dev/stdout and /dev/stderr reaches the log', async () => {
    const script =
      'echo one; echo two > /dev/stdout; echo three > /dev/stderr; echo four >> /dev/stderr; echo five >&2';
    const { id } = await keeper.run(['sh', '-c', script]);
    expect(keeper.log(id, 'out')).toBe('one\ntwo\n');
    expect(keeper.log(id, 'err')).toBe('three\nfour\nfive\n');
  });

  test('a writer never sees EAGAIN, however much it writes at once', async () => {
    const script = 'import os;b=b"x"*9999999\nwhile b: b=b[os.write(1,b):]';
    const { id, ended } = await keeper.run(['python3', '-c', script]);
    expect(ended.exit.code).toBe(0);
    expect(keeper.log(id)).toHaveLength(9_999_999);
  });
});

describe('what the system does not allow', () => {
  test('a program that is not there, by name and by path', async () => {
    await expect(keeper.spawn(['no-such-program'])).rejects.toEqual(refused('ENOENT'));
    await expect(keeper.spawn(['no-such-program'])).rejects.toThrow(/no program "no-such-program" in PATH/);
    await expect(keeper.spawn(['./missing'])).rejects.toThrow(`${keeper.home}/missing does not exist`);
    await expect(keeper.spawn(['./missing'], { umask: 0 })).rejects.toEqual(refused('ENOENT'));
  });

  test('a program that is not executable, and a folder', async () => {
    writeFileSync(path.join(keeper.home, 'plain'), 'x', { mode: 0o600 });
    await expect(keeper.spawn(['./plain'])).rejects.toEqual(refused('EACCES'));
    await expect(keeper.spawn(['./plain'])).rejects.toThrow(/chmod \+x/);
    await expect(keeper.spawn(['./logs'])).rejects.toEqual(refused('EACCES'));
  });

  test.each([
    ['U9: a script whose interpreter is missing', '#!/no/such/python\n', 'the interpreter /no/such/python of'],
    [
      'U9: a script whose interpreter env cannot find',
      '#!/usr/bin/env no-such-python\n',
      'the interpreter no-such-python of',
    ],
    ['U9: a script with Windows line ends', '#!/bin/sh\r\necho x\r\n', 'ends with a carriage return'],
    ['U9: an empty file', '', 'is empty'],
    ['U9: a program whose end is missing', readFileSync(process.execPath).subarray(0, 8192), 'is damaged'],
    ['U9: a file that is not a program', Buffer.from([1, 2, 0, 3]), 'is neither a script nor a program'],
  ])('%s', async (_what, content, why) => {
    writeFileSync(path.join(keeper.home, 'broken'), content, { mode: 0o700 });
    await expect(keeper.spawn(['./broken'])).rejects.toThrow(why);
    await expect(keeper.spawn(['./broken'], { nice: 0 })).rejects.toThrow(why);
  });

  test('U5: a value that is not UTF-8 reaches the service as it was', async () => {
    const env = { PATH: '/usr/bin:/bin', RAW: textOfBytes(Buffer.from([0x61, 0xe9, 0xff, 0x0a, 0x0a, 0x5c])) };
    const { id } = await keeper.run(['sh', '-c', 'printf %s "$RAW" | od -An -tx1'], { env });
    expect(keeper.log(id).trim()).toBe('61 e9 ff 0a 0a 5c');
  });

  test('a working folder that is not there, or is a file', async () => {
    await expect(keeper.spawn(['true'], { cwd: '/no/such/folder' })).rejects.toEqual(refused('ENOENT'));
    await expect(keeper.spawn(['true'], { cwd: '/etc/passwd' })).rejects.toEqual(refused('ENOTDIR'));
  });

  test.each([
    ['directly', {}],
    ['through a wrapper', { umask: 0 }],
  ])('an environment that is too long, %s', async (_way, change) => {
    const env = { PATH: '/usr/bin:/bin', BIG: 'x'.repeat(200_000) };
    await expect(keeper.spawn(['true'], { env, ...change })).rejects.toEqual(refused('E2BIG'));
    const status = readFileSync(`/proc/${keeper.link.pid}/status`, 'utf8');
    expect(/^Umask:\s*(\d+)/m.exec(status)?.[1], 'the umask of the keeper itself').toBe('0077');
  });

  test('a cgroup that does not exist', async () => {
    await expect(keeper.spawn(['true'], { cgroup: '/sys/fs/cgroup/no/such' })).rejects.toEqual(refused('ENOENT'));
  });

  test("the wrapper's own failure is distinguished from the command's, with its complaint", async () => {
    const before = keeper.records.length;
    await expect(keeper.spawn(['true'], { limits: { nosuchlimit: 1 } })).rejects.toThrow(
      /could not be prepared: .*nosuchlimit/,
    );
    const { ended } = await keeper.run(['true'], { limits: { core: 0 } });
    expect(ended.exit.code).toBe(0);
    expect(keeper.records.slice(before).map(({ kind }) => kind)).toEqual(['spawned', 'exited']);
  });

  test('nothing is left of what was refused', async () => {
    await expect(keeper.spawn(['no-such-program'])).rejects.toThrow();
    const run = keeper.records.filter(({ kind }) => kind === 'spawned').map((record) => record.run);
    const fifos = spawnSync('ls', [path.join(keeper.home, 'fifo')], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n');
    expect(fifos.filter((name) => !run.includes(name.split('.')[1] ?? ''))).toEqual([]);
  });
});

describe.runIf(isRoot)('as root', () => {
  const id = (flag: string) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout);
  const nobody = { name: 'nobody', uid: id('-u'), gid: id('-g') };

  test('another user is taken on, with its groups, and can reopen its streams', async () => {
    const script = 'id -u; id -g; id -G; umask; nice; echo err > /dev/stderr; echo out > /dev/stdout';
    const { id, ended } = await keeper.run(['sh', '-c', script], { user: nobody, cwd: '/', umask: 0o2, nice: -2 });
    const groups = spawnSync('id', ['-G', 'nobody'], { encoding: 'utf8' }).stdout.trim();
    expect(keeper.log(id)).toBe(`${nobody.uid}\n${nobody.gid}\n${groups}\n0002\n-2\nout\n`);
    expect(keeper.log(id, 'err')).toBe('err\n');
    expect(ended.exit.code).toBe(0);
  });

  test('a working folder that the user may not enter is refused', async () => {
    const folder = path.join(keeper.home, 'closed');
    mkdirSync(folder, { mode: 0o700 });
    await expect(keeper.spawn(['true'], { user: nobody, cwd: folder })).rejects.toEqual(refused('EACCES'));
  });

  test('a user that may not run the program is distinguished from a failing program', async () => {
    const folder = path.join(keeper.home, 'private');
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(path.join(folder, 'program'), '#!/bin/sh\n', { mode: 0o755 });
    chmodSync(keeper.home, 0o700);
    const { ended, id } = await keeper.run([path.join(folder, 'program')], { user: nobody, cwd: '/' });
    expect(ended.exit.code).toBe(126);
    expect(keeper.log(id, 'err')).toMatch(/Permission denied/);
  });

  const unified = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((folder) => existsSync(`${folder}/cgroup.procs`));
  test.skipIf(unified === undefined)('a process is in its cgroup before it runs', async () => {
    const cgroup = path.join(unified ?? '', `reeve-test-${process.pid}`);
    mkdirSync(cgroup);
    try {
      const { id } = await keeper.run(['sh', '-c', 'grep ^0:: /proc/self/cgroup'], { cgroup });
      expect(keeper.log(id)).toBe(`0::/${path.basename(cgroup)}\n`);
      const { process: sleeper, run } = await keeper.spawn(['sleep', '1000'], { cgroup, user: nobody, cwd: '/' });
      expect(readFileSync(`${cgroup}/cgroup.procs`, 'utf8')).toBe(`${sleeper.pid}\n`);
      process.kill(sleeper.pid, 'SIGKILL');
      await keeper.ended(run);
      expect(isSame(sleeper)).toBe(false);
    } finally {
      await until('the cgroup is empty', () => readFileSync(`${cgroup}/cgroup.procs`, 'utf8') === '');
      rmdirSync(cgroup);
    }
  });
});
