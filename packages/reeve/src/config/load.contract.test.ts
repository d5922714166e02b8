import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProjectSpec, ServiceSpec } from '@reeve/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BROKEN } from './broken-configs.ts';
import { describeProject } from './describe.ts';
import { type Loaded, loadConfig } from './load.ts';
import { ConfigError } from './problems.ts';

let root = '';
let count = 0;
const env = { PATH: '/usr/bin:/bin', HOME: '/nonexistent' };

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'reeve-config-')));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

/** A folder of its own with these files. */
async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const made = join(root, `project-${count++}`);
  await mkdir(made);
  for (const [name, text] of Object.entries(files)) await writeFile(join(made, name), text, { mode: 0o644 });
  return made;
}
async function load(text: string, more: Readonly<Record<string, string>> = {}, file = 'reeve.yaml'): Promise<Loaded> {
  return loadConfig({ cwd: await folder({ [file]: text, ...more }), env });
}
async function refusal(promise: Promise<unknown>): Promise<ConfigError> {
  const error = await promise.then(
    () => new Error('it was accepted'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConfigError)) throw error;
  return error;
}
const service = (project: ProjectSpec, name: string): ServiceSpec =>
  project.services.find((one) => one.name === name) as ServiceSpec;

describe('a broken config is refused with place and advice', () => {
  test.each(BROKEN.map((broken) => [broken.why, broken] as const))('%s', async (_, broken) => {
    const error = await refusal(load(broken.text, {}, broken.file));
    expect(error.problems.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual(broken.at);
    for (const words of broken.says) expect(error.message).toContain(words);
    if (broken.near !== undefined) {
      expect(error.problems.map(({ near }) => near)).toContain(broken.near);
      expect(error.message).toContain(`did you mean "${broken.near}"?`);
    }
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.exit).toBe(2);
    expect(error.hint).toContain('reeve validate');
  });

  test('the report shows the line with carets under the place', async () => {
    const error = await refusal(
      load('services:\n  a:\n    command: x\n    depends_on: { databse: ready }\n  db: { command: y }\n'),
    );
    expect(error.message).toBe(
      [
        '✗ reeve.yaml:4:19  services.a.depends_on.databse: unknown service "databse" — did you mean "db"?',
        '   4 │     depends_on: { databse: ready }',
        '     │                   ^^^^^^^',
        '1 problem. Nothing was changed.',
      ].join('\n'),
    );
  });
  test('control characters of the config do not reach the report', async () => {
    const error = await refusal(load('services:\n  a: { command: x, "k\\e[31m\u202e": 1 }\n'));
    expect(error.message).not.toMatch(/[\u001b\u202e]/);
  });
});

describe('files made to hurt', () => {
  test('an alias bomb is refused', async () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (const [i, name] of [...'bcdefgh'].entries())
      bomb.push(`${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[i]}`).join(',')}]`);
    expect((await refusal(load(bomb.join('\n')))).message).toContain('more than 100000 values');
  });
  test.each([
    '['.repeat(200_000),
    '- '.repeat(200_000),
    '{a: '.repeat(100_000),
    Array.from({ length: 900 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  ])('deep nesting is refused (%#)', async (text) => {
    expect((await refusal(load(text))).message).toContain('nested more than 32 levels deep');
  });
  test('deep JSON is refused', async () => {
    expect((await refusal(load(`{"services":${'['.repeat(100_000)}`, {}, 'reeve.json'))).message).toContain(
      'nested more than 32 levels deep',
    );
  });
  test('tens of thousands of services or of mistakes give a short report', async () => {
    const many = (line: (i: number) => string): string =>
      `services:\n${Array.from({ length: 10_000 }, (_, i) => `  s${i}: ${line(i)}`).join('\n')}\n`;
    const chain = await refusal(load(many((i) => `{ command: x, depends_on: [s${i + 1}] }`)));
    expect(chain.problems.map(({ message, expected }) => [message, expected])).toEqual([
      ['holds 10000 services', 'at most 2000'],
    ]);
    const wrong = await refusal(load(many((i) => `{ comand: x, depends_on: [q${i}] }`)));
    expect(wrong.problems).toHaveLength(100);
    expect(wrong.message).toContain('At least 100 problems.');
  });
  test('a file above one MiB is refused', async () => {
    await expect(load(`# ${'x'.repeat(1 << 20)}\nservices: {}\n`)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('larger than'),
    });
  });
});

/** The example of DESIGN.md, section Config. */
const DESIGN = `# yaml-language-server: $schema=…/reeve.schema.json
project: tournament
env_files: [.env]
services:
  db:
    command: /usr/lib/postgresql/15/bin/postgres -D data -p 5433
    user: postgres
    ports: [5433]
    health: { tcp: 5433 }
    stop: { signal: SIGINT, timeout: 20s }
  migrate:
    command: npm run migrate
    oneshot: true
    depends_on: { db: healthy }
  web-editor:
    description: Tournament web editor
    command: [node, services/web-editor.js]
    env: { LOG_LEVEL: info }
    ports: { http: { port: 8081, shared: true } }
    depends_on: { db: healthy, migrate: completed }
    ready: notify
    health: { http: "http://127.0.0.1:\${ports.http}/healthz", interval: 5s, timeout: 2s, retries: 3, start_period: 10s }
    restart: { policy: on-failure, backoff: 500ms..30s, limit: 5 per 60s }
    resources: { memory: 512M, on_limit: restart }
    logs: { max_size: 10M, max_files: 5, compress: true }
    instances: 2
    groups: [web]
    capabilities: [PROCESS_MANAGER]
    cleanup: { command: ./scripts/clean.sh, timeout: 5s }
`;

describe('the example of the design', () => {
  test('is refused only for what this version does not support yet', async () => {
    const error = await refusal(load(DESIGN, { '.env': 'A=1\n' }));
    expect(error.problems.map(({ path }) => path)).toEqual(['services.web-editor.ports.http.shared']);
    for (const { message } of error.problems) expect(message).toContain('not supported by this version yet');
  });
  test('without that it is complete after parsing', async () => {
    const { project, notes, wantedName } = await load(DESIGN.replace('shared: true', 'shared: false'), {
      '.env': 'A=1\n',
    });
    expect(wantedName).toBe('tournament');
    expect(project.env_files).toEqual([join(project.folder, '.env')]);
    expect(service(project, 'db')).toMatchObject({
      user: 'postgres',
      cwd: project.folder,
      ports: [{ name: null, port: 5433, protocol: 'tcp', shared: false }],
      health: {
        check: { kind: 'tcp', address: '5433' },
        interval: 5000,
        timeout: 2000,
        retries: 3,
        successes: 1,
        start_period: 10_000,
      },
      stop: { signal: 'SIGINT', timeout: 20_000, timeout_declared: true, mode: 'main_first', command: null },
    });
    expect(service(project, 'migrate')).toMatchObject({ oneshot: true, restart: { policy: 'never' } });
    expect(service(project, 'web-editor')).toMatchObject({
      command: { text: 'node services/web-editor.js', how: { kind: 'argv', argv: ['node', 'services/web-editor.js'] } },
      depends_on: [
        { service: 'db', condition: 'healthy', required: true, on_down: 'ignore' },
        { service: 'migrate', condition: 'completed', required: true, on_down: 'ignore' },
      ],
      ready: { kind: 'notify' },
      ready_timeout: 30_000,
      restart: { policy: 'on-failure', backoff: { min: 500, max: 30_000 }, limit: { count: 5, period: 60_000 } },
      logs: { max_size: 10 * 1024 ** 2, max_files: 5, max_age: null, compress: true },
      instances: 2,
      groups: ['web'],
    });
    expect(notes.filter((note) => note.includes('not implemented yet')).map((note) => note.split(':')[0])).toEqual([
      'services.web-editor.resources',
    ]);
  });
});

describe('values', () => {
  test('numbers and booleans in commands and env are taken as they are written, in YAML and in JSON', async () => {
    const yaml = await load(
      'services:\n  a:\n    command: [x, 1.10, 0x1F, true, 007]\n    env: { A: 1.10, B: yes, C: 1e3, D: "1.10" }\n',
    );
    const json = await load(
      '{"services":{"a":{"command":["x",1.10,true],"env":{"A":1.10,"C":1e3}}}}',
      {},
      'reeve.json',
    );
    expect(service(yaml.project, 'a').command.how).toEqual({
      kind: 'argv',
      argv: ['x', '1.10', '0x1F', 'true', '007'],
    });
    expect({ ...service(yaml.project, 'a').env }).toEqual({ A: '1.10', B: 'yes', C: '1e3', D: '1.10' });
    expect(service(json.project, 'a').command.how).toEqual({ kind: 'argv', argv: ['x', '1.10', 'true'] });
    expect({ ...service(json.project, 'a').env }).toEqual({ A: '1.10', C: '1e3' });
  });
  test('every form of ports is understood', async () => {
    const { project } = await load(
      'services:\n  a: { command: x, ports: [8081, "53/udp", auto] }\n  b: { command: x, ports: { http: 8082, x: auto, y: { port: 53 }, z: { port: "9/udp" } } }\n',
    );
    const ports = project.services.map((one) =>
      one.ports.map(({ name, port, protocol }) => `${name} ${port}/${protocol}`),
    );
    expect(ports).toEqual([
      ['null 8081/tcp', 'null 53/udp', 'null auto/tcp'],
      ['http 8082/tcp', 'x auto/tcp', 'y 53/tcp', 'z 9/udp'],
    ]);
  });
  test('numbers may come from variables, of env files too', async () => {
    const { project } = await load(
      'env_files: [.env]\nservices:\n  a:\n    command: x\n    env: { GRACE: 3s }\n    ports: { http: "${WEB}" }\n    instances: ${COUNT}\n    stop: { timeout: "${GRACE}" }\n',
      {
        '.env': 'WEB=8090\nCOUNT=2\n',
      },
    );
    expect(service(project, 'a')).toMatchObject({ ports: [{ port: 8090 }], instances: 2, stop: { timeout: 3000 } });
  });
  test('other strings stay as they are, for each start', async () => {
    const { project } = await load(
      'services:\n  a:\n    command: node ${FILE:-x.js}\n    env: { URL: "http://${project}/${instance}" }\n    cwd: sub/${HOME}\n',
    );
    expect(service(project, 'a')).toMatchObject({
      command: { text: 'node ${FILE:-x.js}' },
      env: { URL: 'http://${project}/${instance}' },
      cwd: `${project.folder}/sub/\${HOME}`,
    });
  });
  test('a mask is octal', async () => {
    const { project } = await load('services:\n  a: { command: x, umask: 022 }\n  b: { command: x, umask: "0o077" }\n');
    expect(project.services.map((one) => one.umask)).toEqual([0o22, 0o77]);
  });
  test('restart: a back-off of 0 and no limit', async () => {
    const { project } = await load(
      'services:\n  a: { command: x, restart: { policy: always, backoff: 0, limit: none } }\n',
    );
    expect(service(project, 'a').restart).toEqual({ policy: 'always', backoff: { min: 0, max: 0 }, limit: null });
  });
  test('anchors, aliases and merges save typing', async () => {
    const { project } = await load(
      'services:\n  a: &base { command: x, cwd: sub, instances: 2 }\n  b: { <<: *base, instances: 3 }\n',
    );
    expect(service(project, 'b')).toMatchObject({ cwd: join(project.folder, 'sub'), instances: 3 });
  });
  test('the same port over tcp and udp, and of services that share none, is not an overlap', async () => {
    const { project } = await load(
      'services:\n  a: { command: x, ports: [53, "53/udp"] }\n  b: { command: x, ports: [54], instances: 2 }\n  c: { command: x, ports: [56] }\n',
    );
    expect(project.services).toHaveLength(3);
  });
  test('the name is the folder’s, made valid, when none is given', async () => {
    const made = join(await folder({}), 'my shop (2)');
    await mkdir(made);
    await writeFile(join(made, 'reeve.yaml'), 'services: {}\n');
    expect((await loadConfig({ cwd: made, env })).wantedName).toBe('my-shop-2');
  });
  test('the folder is the real path, whichever way one came', async () => {
    const made = await folder({ 'reeve.yaml': 'services: {}\n' });
    const link = join(root, 'link');
    await symlink(made, link);
    const { project } = await loadConfig({ cwd: root, file: 'link/reeve.yaml', env });
    expect(project).toMatchObject({ folder: made, config: join(made, 'reeve.yaml') });
  });
  test('a folder whose name holds ${ is not a reference', async () => {
    const made = join(root, 'a${X}');
    await mkdir(made);
    await writeFile(join(made, 'reeve.yaml'), 'services: { a: { command: x } }\n');
    expect(service((await loadConfig({ cwd: made, env })).project, 'a').cwd).toBe(join(root, 'a$${X}'));
  });
});

describe('what is allowed and noted', () => {
  test.each([
    ['a name that is not kebab-case', 'services: { Web_Editor: { command: x } }\n', 'kebab-case'],
    [
      'healthy on a service without health',
      'services: { a: { command: x, depends_on: { b: healthy } }, b: { command: x } }\n',
      'healthy means ready',
    ],
    [
      'U7: on_unhealthy of a service without a check',
      'services: { a: { command: x, on_unhealthy: nothing } }\n',
      'services.a.on_unhealthy: it declares no `health`',
    ],
    [
      'U7: an alert, which is not sent yet',
      'services: { a: { command: x, health: { tcp: 80 }, on_unhealthy: alert } }\n',
      'services.a.on_unhealthy: alerts are not implemented yet',
    ],
    [
      'U7: the back-off of a service that is never restarted',
      'services: { a: { command: x, restart: { policy: never, backoff: 1s } } }\n',
      'services.a.restart.backoff: has no effect',
    ],
    [
      'U7: the restart limit of a one-shot, which is not restarted by default',
      'services: { a: { command: x, oneshot: true, restart: { limit: none } } }\n',
      'services.a.restart.limit: has no effect',
    ],
    [
      'U7: how often to ask, where no check asks',
      'services: { a: { command: x, health: { watchdog: 5s, interval: 1s, retries: 2 } } }\n',
      'services.a.health.interval: has no effect beside watchdog\nservices.a.health.retries: has no effect beside watchdog',
    ],
    [
      'U7: how long to wait for an answer, where a line is awaited',
      'services: { a: { command: x, health: { log: well, timeout: 1s } } }\n',
      'services.a.health.timeout: has no effect beside log',
    ],
    ['the HTTP API, in short', 'http: true\nservices: { a: { command: x } }\n', 'http: ignored: not implemented yet'],
    ['no HTTP API', 'http: false\nservices: { a: { command: x } }\n', 'http: ignored: not implemented yet'],
    ['watch', 'services: { a: { command: x, watch: { paths: [src] } } }\n', 'watch: ignored: not implemented yet'],
  ])('%s', async (_, text, words) => {
    expect((await load(text)).notes.join('\n')).toContain(words);
  });
  test.each([
    ['restart: { policy: never, limit: none }', 'a.restart.limit'],
    ['on_unhealthy: alert, health: { tcp: 80 }', 'a.on_unhealthy'],
    ['health: { watchdog: 5s, retries: 2 }', 'a.health.retries'],
  ])('U7: what has no effect is said by up, too: %s', async (keys, where) => {
    expect((await load(`services: { a: { command: x, ${keys} } }\n`)).unacted.join('\n')).toContain(where);
  });
  test('U7: a start period is part of the start where health makes the service ready', async () => {
    const of = async (keys: string) =>
      service((await load(`services: { a: { command: x, ${keys} } }\n`)).project, 'a').ready_timeout;
    expect(await of('health: { tcp: 80, start_period: 2m }')).toBe(120_000);
    expect(await of('health: { tcp: 80, start_period: 2m }, ready: { timeout: 1m }')).toBe(60_000);
    expect(await of('health: { tcp: 80, start_period: 2m }, ready: { log: up }')).toBe(30_000);
    expect(await of('health: { tcp: 80 }')).toBe(30_000);
  });
  test('nothing is noted about a plain config', async () => {
    expect((await load('services: { a: { command: x } }\n')).notes).toEqual([]);
  });
});

test('how each command runs is shown', async () => {
  const loaded = await load(
    'services:\n  a: { command: node x.js }\n  b: { command: cd x && node y }\n  c: { command: node y, shell: true }\n',
  );
  expect(describeProject(loaded)).toEqual([
    'a: runs directly: node x.js',
    'b: runs through /bin/sh (holds `&&`): cd x && node y',
    'c: runs through /bin/sh (`shell` is set): node y',
  ]);
});

test('nothing of the config is changed or left behind', async () => {
  const made = await folder({ 'reeve.yaml': DESIGN });
  await refusal(loadConfig({ cwd: made, env }));
  expect(await readFile(join(made, 'reeve.yaml'), 'utf8')).toBe(DESIGN);
});
