import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { linesOf, serviceOf } from '../harness/ask.ts';
import { startClient } from '../harness/client.ts';
import { startReeve } from '../harness/reeve.ts';

const isRoot = process.getuid?.() === 0;
const id = (...args: readonly string[]) => execFileSync('id', args, { encoding: 'utf8' }).trim();

function hasUser(name: string): boolean {
  try {
    return id('-u', name) !== '';
  } catch {
    return false;
  }
}
const canBePostgres = isRoot && hasUser('postgres');

describe.runIf(canBePostgres)('a service with user:, started by root', () => {
  test('has that user, its groups and its home, and may write to /dev/stderr', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        who: {
          command: 'id -u; id -g; id -G; echo "$HOME $USER $LOGNAME $SHELL"; echo said > /dev/stderr; exec sleep 1000',
          user: 'postgres',
          ready: { log: 'said' },
        },
        grouped: { command: 'id -g; exec sleep 1000', user: 'postgres', group: 'nogroup', ready: { log: '\\d' } },
        checked: {
          command: 'sleep 1000',
          user: 'postgres',
          ready: { command: 'test "$(id -un)" = postgres' },
        },
      },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    const [home = '', shell = ''] = execFileSync('getent', ['passwd', 'postgres'], { encoding: 'utf8' })
      .trim()
      .split(':')
      .slice(5);
    const lines = await linesOf(reeve, 'who');
    expect(lines).toContain('said');
    expect(lines.filter((l) => l !== 'said')).toEqual([
      id('-u', 'postgres'),
      id('-g', 'postgres'),
      id('-G', 'postgres'),
      `${home} postgres postgres ${shell}`,
    ]);
    const nogroup = execFileSync('getent', ['group', 'nogroup'], { encoding: 'utf8' }).split(':')[2];
    expect(await linesOf(reeve, 'grouped')).toEqual([nogroup]);
  });

  test('whose folder that user may not enter is refused, and the reason names the folder and the user', async () => {
    await using reeve = startReeve();
    mkdirSync(path.join(reeve.folder, 'private'), { mode: 0o700 });
    reeve.project({
      services: { shut: { command: 'sleep 1000', user: 'postgres', cwd: 'private', restart: 'never' } },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code).toBe(1);
    const { state, reason } = await serviceOf(reeve, 'shut');
    expect(state).toBe('failed');
    expect(reason).toContain(path.join(reeve.folder, 'private'));
    expect(reason).toContain('postgres');
  });

  test('that does not exist is refused by its name', async () => {
    await using reeve = startReeve();
    reeve.project({ services: { ghost: { command: 'sleep 1000', user: 'no-such-user' } } });
    const up = await reeve.run(['up', '-d']);
    expect(up.code).not.toBe(0);
    expect(up.stdout + up.stderr).toContain('no-such-user');
  });
});

describe.runIf(isRoot)('reeve of an ordinary user', () => {
  test('refuses another user: in one clear sentence, and starts the rest', async () => {
    const base = mkdtempSync(path.join(tmpdir(), 'rn-'));
    const [uid, gid] = [Number(id('-u', 'nobody')), Number(id('-g', 'nobody'))];
    writeFileSync(
      path.join(base, 'reeve.yaml'),
      JSON.stringify({
        services: { other: { command: 'sleep 1000', user: 'root' }, own: { command: 'sleep 1000', user: 'nobody' } },
      }),
    );
    chmodSync(base, 0o755);
    chownSync(base, uid, gid);
    const as = ['setpriv', '--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups', '--'];
    const reeve = (...args: string[]) =>
      startClient(args, { cwd: base, env: { REEVE_HOME: path.join(base, 'home'), HOME: base, REEVE_PORT: '0' } }, as)
        .ended;
    try {
      const up = await reeve('up', '-d');
      expect([1, 7]).toContain(up.code);
      expect(up.stdout + up.stderr).toMatch(/other.*root.*only root/s);
      const ps = (await reeve('ps', '--json')).json() as { services: { name: string; state: string }[] };
      expect(ps.services.map((s) => `${s.name} ${s.state}`)).toEqual(['other failed', 'own running']);
      expect((await reeve('stop', '--json')).json()).toMatchObject({ status: 'COMPLETE' });
    } finally {
      await reeve('daemon', 'stop', '--with-services');
      rmSync(base, { recursive: true, force: true });
    }
  });
});

describe.runIf(isRoot)('a service with group: and no user:', () => {
  test('U7: has that group, with the user that reeve has', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        who: {
          command: [...'sh -c'.split(' '), 'id -un; id -gn; exec sleep 1000'],
          group: 'games',
          ready: { log: 'games' },
        },
      },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    expect(await linesOf(reeve, 'who')).toEqual([id('-un'), 'games']);
  });
});
