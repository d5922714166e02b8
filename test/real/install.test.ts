import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { serviceOf } from '../harness/ask.ts';
import { nextVersion, otherBuild } from '../harness/other-build.ts';
import { cgroup2Mount } from '../harness/outside-cgroup.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';
import { until } from '../harness/until.ts';
import { keeperOf } from '../harness/victims.ts';

const isRoot = process.getuid?.() === 0;
const isSystemd = existsSync('/run/systemd/system');
const mount = cgroup2Mount();
const configHome = (reeve: TestReeve) => path.join(path.dirname(reeve.home), 'config');

describe.runIf(existsSync('/usr/bin/systemd-analyze'))('systemd-analyze verify finds nothing wrong with', () => {
  test.each(['user', 'system'])('the %s unit', async (scope) => {
    await using reeve = startReeve();
    const printed = await reeve.run(['install', '--print', ...(scope === 'system' ? ['--system'] : [])]);
    expect(printed.code, printed.stderr).toBe(0);
    const file = path.join(reeve.folder, 'reeve-test.service');
    writeFileSync(file, printed.stdout);
    const words = execFileSync('sh', ['-c', `systemd-analyze verify --${scope} --man=no "$1" 2>&1`, 'sh', file], {
      env: { ...process.env, XDG_RUNTIME_DIR: reeve.folder },
    });
    expect(
      words
        .toString()
        .split('\n')
        .filter((line) => line.includes('reeve')),
    ).toEqual([]);
    // It does look: a line that means nothing is found.
    writeFileSync(file, printed.stdout.replace('[Service]', '[Service]\nKillMod=process'));
    const broken = execFileSync(
      'sh',
      ['-c', `systemd-analyze verify --${scope} --man=no "$1" 2>&1; true`, 'sh', file],
      {
        env: { ...process.env, XDG_RUNTIME_DIR: reeve.folder },
      },
    );
    expect(broken.toString()).toContain('KillMod');
  });
});

test('install --no-start writes the unit and tells of lingering; uninstall removes it', async () => {
  await using reeve = startReeve();
  const env = { XDG_CONFIG_HOME: configHome(reeve) };
  const planned = await reeve.run(['install', '--dry-run', '--json'], { env });
  const [unit] = (planned.json() as { units: { path: string; text: string; name: string }[] }).units;
  expect(unit?.path.startsWith(configHome(reeve))).toBe(true);
  expect(unit?.name).toMatch(/^reeve-[0-9a-f]{8}\.service$/);
  expect(existsSync(unit?.path ?? '')).toBe(false);
  const installed = await reeve.run(['install', '--no-start'], { env });
  expect(installed.code, installed.stderr).toBe(0);
  expect(installed.stderr).toContain('loginctl enable-linger');
  expect(readFileSync(unit?.path ?? '', 'utf8')).toBe(unit?.text);
  expect(await reeve.run(['daemon', 'status', '--json'], { env }).then((r) => r.json())).toMatchObject({
    outlives: { reboot: { yes: false, why: expect.stringContaining('enable-linger') } },
  });
  if (!isSystemd) {
    expect((await reeve.run(['uninstall'], { env })).code).toBe(0);
    expect(existsSync(unit?.path ?? '')).toBe(false);
  }
  expect((await reeve.run(['uninstall', '--system'], { env })).code).toBe(4);
});

test.runIf(!isSystemd)('install without systemd writes nothing, and says what to do', async () => {
  await using reeve = startReeve();
  const refused = await reeve.run(['install'], { env: { XDG_CONFIG_HOME: configHome(reeve) } });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('systemd is not running here');
  expect(refused.stderr).toContain('--print');
  expect(existsSync(configHome(reeve))).toBe(false);
});

describe('a daemon that a unit runs', () => {
  test('tells systemd that it is ready, and after an upgrade which process it is now', async () => {
    await using reeve = startReeve();
    // systemd-notify and the socket of the service manager, as a unit with Type=notify has them.
    const heard = reeve.file('heard', '');
    const socket = path.join(reeve.folder, 'notify.sock');
    const listener = spawn('python3', [
      '-c',
      'import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nwhile True:\n d,a,f,_=s.recvmsg(4096,1024)\n open(sys.argv[2],"ab").write(d+b"\\n")',
      socket,
      heard,
    ]);
    const tools = path.join(reeve.folder, 'tools');
    if (!existsSync('/usr/bin/systemd-notify')) {
      mkdirSync(tools);
      const tool = reeve.file(
        'tools/systemd-notify',
        '#!/usr/bin/env python3\nimport os,socket,sys\nsocket.socket(socket.AF_UNIX,socket.SOCK_DGRAM).sendto("\\n".join(sys.argv[1:]).encode(),os.environ["NOTIFY_SOCKET"])\n',
      );
      chmodSync(tool, 0o755);
    }
    try {
      await until('a process listens', () => existsSync(socket));
      const env = { NOTIFY_SOCKET: socket, REEVE_MANAGED_BY: 'systemd', PATH: `${tools}:${process.env['PATH']}` };
      const daemon = reeve.start(['daemon', 'run'], { env, limit: 110_000 });
      const said = () => readFileSync(heard, 'utf8');
      await until('it has told', () => said().includes('READY=1'));
      expect(said()).toContain(`MAINPID=${daemon.pid}`);
      expect(await reeve.json(['daemon', 'status'])).toMatchObject({ managed_by: 'systemd', pid: daemon.pid });
      const bin = await otherBuild(path.join(reeve.folder, 'next'), nextVersion());
      const upgraded = await reeve.run(['daemon', 'upgrade', '--json'], { bin });
      expect(upgraded.code, upgraded.stderr).toBe(0);
      const { pid } = upgraded.json() as { pid: number };
      expect(said()).toContain(`MAINPID=${pid}`);
      expect((await daemon.ended).code).toBe(0);
      expect(await reeve.json(['daemon', 'status'])).toMatchObject({ managed_by: 'systemd', pid });
    } finally {
      listener.kill('SIGKILL');
    }
  });

  test.runIf(isRoot && mount !== null)(
    'lives in a leaf of the cgroup of its unit, its keeper too, and runs lie beside it',
    async () => {
      await using reeve = startReeve({ cgroup: false });
      const unit = path.join(mount ?? '', `${path.basename(path.dirname(reeve.home))}.service`);
      mkdirSync(unit);
      try {
        reeve.project({ services: { a: { command: 'sleep 1000' } } });
        const bin = path.resolve(import.meta.dirname, '../../packages/reeve/bin/reeve.js');
        const env = { ...process.env, REEVE_HOME: reeve.home, REEVE_MANAGED_BY: 'systemd' };
        const daemon = spawn(
          'sh',
          ['-c', `echo $$ > '${unit}/cgroup.procs' && exec "$@"`, 'sh', process.execPath, bin, 'daemon', 'run'],
          { env, stdio: 'ignore' },
        );
        const ended = new Promise((resolve) => daemon.once('close', resolve));
        await until('it answers', () => existsSync(path.join(reeve.home, 'run/control.sock')));
        const up = await reeve.run(['up', '-d']);
        expect(up.code, up.stderr).toBe(0);
        const at = (pid: number | undefined) =>
          /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
        const own = `/${path.basename(unit)}`;
        expect(at(daemon.pid)).toBe(`${own}/daemon`);
        expect(at(keeperOf(reeve))).toBe(`${own}/daemon`);
        const { pid } = await serviceOf(reeve, 'a');
        expect(at(Number(pid))).toMatch(new RegExp(`^${own}/reeve-[0-9a-f]{8}/`));
        expect(readFileSync(`${unit}/cgroup.procs`, 'utf8')).toBe('');
        expect((await reeve.run(['daemon', 'stop', '--with-services'])).code).toBe(0);
        await ended;
      } finally {
        await until('the unit is empty', () => !/populated 1/.test(readFileSync(`${unit}/cgroup.events`, 'utf8')));
        for (const entry of readdirSync(unit, { withFileTypes: true }))
          if (entry.isDirectory()) rmdirSync(path.join(unit, entry.name));
        rmdirSync(unit);
      }
    },
  );
});
