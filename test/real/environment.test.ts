import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { linesOf, servicesOf } from '../harness/ask.ts';
import { environmentOf } from '../harness/proc-scan.ts';
import { startReeve, type TestReeve } from '../harness/reeve.ts';

interface Shown {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}
/** What the newest run of test/programs/shows-env.mjs has printed. */
async function shown(reeve: TestReeve, service: string): Promise<Shown> {
  const lines = await linesOf(reeve, service);
  return JSON.parse(lines.at(-1) ?? 'null') as Shown;
}
const ready = { log: '"env"' };

describe('the environment of a service', () => {
  test('is built of layers, later wins, and reeve has the last word', async () => {
    await using reeve = startReeve();
    reeve.file('project.env', 'PF=project-file\nPE=project-file\nSF=project-file\nSE=project-file\nQ="two words"\n');
    reeve.file('service.env', 'SF=service-file\nSE=service-file\n');
    const port = await reeve.port();
    reeve.project({
      project: 'layers',
      env: { PE: 'project-env', SF: 'project-env', SE: 'project-env', REEVE_SERVICE: 'stolen' },
      env_files: ['project.env'],
      services: {
        show: {
          command: [
            ...reeve.program('shows-env'),
            'said=${SE}-${ports.web-ui}-${instance}-${project}',
            '$${SE}',
            '$SE',
          ],
          ports: { 'web-ui': port },
          cwd: '${HERE:-.}',
          env_files: ['service.env'],
          env: { SE: 'service-env', NUMBER: 5, YES: true, TWICE: '${SE}/${CALLER}', REEVE_RUN: 'stolen' },
          ready,
        },
        own: { command: [...reeve.program('shows-env')], env: { PORT: 'mine' }, ports: [await reeve.port()], ready },
      },
    });
    const caller = {
      CALLER: 'caller',
      PF: 'caller',
      PORT: '1',
      LD_PRELOAD: '',
      NODE_OPTIONS: '--no-warnings',
      NOTIFY_SOCKET: '/nowhere',
      npm_config_x: 'x',
      REEVE_RUN: 'caller',
      REEVE_PORT: '0',
    };
    const up = await reeve.run(['up', '-d'], { env: caller });
    expect(up.code, up.stderr).toBe(0);
    const { env, argv, cwd } = await shown(reeve, 'show');
    expect(env).toMatchObject({
      CALLER: 'caller',
      PF: 'project-file',
      PE: 'project-env',
      SF: 'service-file',
      SE: 'service-env',
      Q: 'two words',
      NUMBER: '5',
      YES: 'true',
      TWICE: 'service-env/caller',
      PORT: String(port),
      PORT_WEB_UI: String(port),
      REEVE_HOME: reeve.home,
      REEVE_PROJECT: 'layers',
      REEVE_SERVICE: 'show',
      REEVE_INSTANCE: '0',
      REEVE_SOCKET: expect.stringContaining('/'),
      OTEL_SERVICE_NAME: 'show',
    });
    expect(env.REEVE_RUN).toMatch(/^[0-9a-f]{8,}$/);
    for (const gone of ['LD_PRELOAD', 'NODE_OPTIONS', 'npm_config_x', 'REEVE_PORT', 'REEVE_READY_FD', 'REEVE_VERSION'])
      expect(env, gone).not.toHaveProperty(gone);
    expect(env.NOTIFY_SOCKET).not.toBe('/nowhere');
    expect(argv.slice(-3)).toEqual([`said=service-env-${port}-0-layers`, '${SE}', '$SE']);
    expect(cwd).toBe(reeve.folder);
    expect((await shown(reeve, 'own')).env.PORT).toBe('mine');
  });

  test('is computed anew at each start: files are read again, what was removed is gone', async () => {
    await using reeve = startReeve();
    writeFileSync(`${reeve.folder}/.env`, 'A=1\nB=1\n');
    const config = (env: object) => ({
      env_files: ['.env'],
      services: { show: { command: [...reeve.program('shows-env')], env, ready } },
    });
    reeve.project(config({ C: 'c' }));
    expect((await reeve.run(['up', '-d'], { env: { FIRST: 'yes' } })).code).toBe(0);
    const first = (await shown(reeve, 'show')).env;
    expect(first).toMatchObject({ A: '1', B: '1', C: 'c', FIRST: 'yes' });
    writeFileSync(`${reeve.folder}/.env`, 'A=2\n');
    expect((await reeve.run(['restart', 'show'], { env: { SECOND: 'yes' } })).code).toBe(0);
    const second = (await shown(reeve, 'show')).env;
    expect(second).toMatchObject({ A: '2', C: 'c', FIRST: 'yes' });
    expect(second).not.toHaveProperty('B');
    expect(second.REEVE_RUN).not.toBe(first.REEVE_RUN);
    reeve.project(config({ D: 'd' }));
    expect((await reeve.run(['up', '-d'], { env: { THIRD: 'yes' } })).code).toBe(0);
    const third = (await shown(reeve, 'show')).env;
    expect(third).toMatchObject({ A: '2', D: 'd', THIRD: 'yes' });
    for (const gone of ['B', 'C', 'FIRST', 'SECOND']) expect(third, gone).not.toHaveProperty(gone);
    rmSync(`${reeve.folder}/.env`);
    const broken = await reeve.run(['restart', 'show']);
    expect(broken.code).not.toBe(0);
    expect(broken.stdout + broken.stderr).toContain('.env');
  });

  test('never shows a secret in what reeve itself says or keeps for others to read', async () => {
    await using reeve = startReeve();
    reeve.project({
      services: {
        quiet: {
          command: 'sleep 1000',
          env: { API_TOKEN: 'hunter2-value', DATABASE_URL: 'postgres://u:hunter2-url@h/db' },
        },
        bad: { command: ['no-such-program-here'], env: { DB_PASSWORD: 'hunter2-bad' }, restart: 'never' },
      },
    });
    const said = [await reeve.run(['up', '-d', '--verbose'], { env: { CALLER_SECRET: 'hunter2-caller' } })];
    for (const args of [
      ['ps'],
      ['ps', '--json'],
      ['ps', '--wide'],
      ['status', 'quiet'],
      ['status', 'quiet', '--json'],
      ['why', 'quiet'],
      ['why', 'bad', '--json'],
      ['events', '--json'],
      ['validate', '--verbose'],
      ['daemon', 'logs', '-n', '500'],
    ])
      said.push(await reeve.run(args));
    const text = said.map((r) => r.stdout + r.stderr).join('\n');
    expect(text).toContain('quiet');
    expect(text.match(/hunter2[a-z-]*/g)).toBeNull();
    expect(readFileSync(`${reeve.home}/daemon.log`, 'utf8')).not.toContain('hunter2');
  });
});

describe('instances', () => {
  test('are numbered from 0, have port + k each, and a selector of their own', async () => {
    await using reeve = startReeve();
    const port = await reeve.port();
    reeve.project({
      services: { web: { command: [...reeve.program('http-server')], ports: { http: port }, instances: 2 } },
    });
    const up = await reeve.run(['up', '-d']);
    expect(up.code, up.stderr).toBe(0);
    const web = (await servicesOf(reeve)).get('web');
    expect(web?.instances.map((i) => i.ports[0]?.port)).toEqual([port, port + 1]);
    for (const instance of web?.instances ?? []) {
      const env = environmentOf(Number(instance.pid));
      expect(env).toMatchObject({
        REEVE_INSTANCE: String(instance.index),
        PORT: String(port + instance.index),
        PORT_HTTP: String(port + instance.index),
      });
      expect(await (await fetch(`http://127.0.0.1:${port + instance.index}/`)).text()).toBe(`${instance.pid}\n`);
    }
    const before = web?.instances.map((i) => i.pid);
    const stop = await reeve.run(['stop', 'web:1']);
    expect([stop.code, stop.stderr]).toEqual([2, expect.stringContaining('name the service: web')]);
    expect((await reeve.run(['signal', 'KILL', 'web:1'])).code).toBe(0);
    const logs = await reeve.run(['logs', 'web:1', '-n', 'all']);
    expect(logs.stdout).toContain(`listening on ${port + 1}`);
    expect(logs.stdout).not.toContain(`listening on ${port}\n`);
    expect((await servicesOf(reeve)).get('web')?.instances[0]?.pid).toBe(before?.[0]);
    expect((await reeve.run(['signal', 'TERM', 'web:7'])).code).toBe(4);
    expect((await servicesOf(reeve)).get('web')?.instances[0]?.pid).toBe(before?.[0]);
  });
});

test('U5, U17: bytes of an env file reach the service as they were, PWD is its folder, and no value is executed', async () => {
  await using reeve = startReeve();
  writeFileSync(`${reeve.folder}/raw.env`, Buffer.from([...Buffer.from('RAW=a'), 0xe9, 0x0a]));
  reeve.project({
    services: {
      show: {
        command: 'printf %s "$RAW" | od -An -tx1; echo "$PWD"',
        env_files: ['raw.env'],
        cwd: '/usr',
        oneshot: true,
      },
      words: { command: 'echo ${S}', env: { S: 'x; echo INJECTED' }, oneshot: true },
    },
  });
  const up = await reeve.run(['up', '-d']);
  expect(up.code, up.stderr).toBe(0);
  expect(await linesOf(reeve, 'show')).toEqual([' 61 e9', '/usr']);
  expect(await linesOf(reeve, 'words')).toEqual(['x; echo INJECTED']);
  writeFileSync(`${reeve.folder}/raw.env`, 'A=1\nNOVALUE\n');
  const refused = await reeve.run(['validate']);
  expect(refused.code).toBe(2);
  expect(refused.stdout + refused.stderr).toMatch(/raw\.env:2: "NOVALUE" sets nothing/);
});
