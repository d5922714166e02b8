import { describe, expect, test } from 'vitest';
import {
  buildEnvironment,
  filterEnvironment,
  type Layers,
  MASK,
  maskEnvironment,
  portVariables,
  reeveVariables,
} from './environment.ts';

const reeve = reeveVariables({
  home: '/h',
  project: 'shop',
  folder: '/srv/shop',
  service: 'web',
  instance: 1,
  run: 'r1',
  socket: '/h/run/control.sock',
});
const layers = (over: Partial<Layers> = {}): Layers => ({
  base: {},
  user: null,
  ports: [],
  projectFiles: [],
  projectEnv: {},
  serviceFiles: [],
  serviceEnv: {},
  secrets: {},
  reeve,
  instance: 1,
  project: 'shop',
  ...over,
});

describe('what is inherited', () => {
  test('is everything but what would change or deceive a service', () => {
    const env = {
      PATH: '/bin',
      LD_PRELOAD: 'x',
      NODE_OPTIONS: 'x',
      NOTIFY_SOCKET: 'x',
      npm_config_x: '1',
      REEVE_HOME: 'x',
      NPM_TOKEN: 't',
      GONE: undefined,
    };
    expect({ ...filterEnvironment(env) }).toEqual({ PATH: '/bin', NPM_TOKEN: 't' });
  });
});

describe('the environment of a service', () => {
  test('later layers win, in the order of the design', () => {
    const order: Partial<Layers>[] = [
      { base: { X: 'base' } },
      { projectFiles: [{ X: 'file 1' }, { X: 'project file' }] },
      { projectEnv: { X: 'project' } },
      { serviceFiles: [{ X: 'service file' }] },
      { serviceEnv: { X: 'service' } },
      { reeve: { ...reeve, X: 'reeve' } },
    ];
    let all: Partial<Layers> = {};
    const seen = order.map((layer) => {
      all = { ...all, ...layer };
      return buildEnvironment(layers(all)).env['X'];
    });
    expect(seen).toEqual(['base', 'project file', 'project', 'service file', 'service', 'reeve']);
  });
  test("reeve's own variables cannot be declared away, PORT and PORT_<NAME> can", () => {
    const ports = [{ name: 'http-api', port: 8081, protocol: 'tcp' as const }];
    const { env } = buildEnvironment(
      layers({ ports, serviceEnv: { REEVE_RUN: 'mine', OTEL_SERVICE_NAME: 'mine', PORT: '1' } }),
    );
    expect(env).toMatchObject({ REEVE_RUN: 'r1', OTEL_SERVICE_NAME: 'web', PORT: '1', PORT_HTTP_API: '8081' });
  });
  test("PORT of the caller's shell does not reach a service that declares a port", () => {
    const ports = [{ name: null, port: 8081, protocol: 'tcp' as const }];
    expect(buildEnvironment(layers({ base: { PORT: '3000' }, ports })).env['PORT']).toBe('8081');
    expect(buildEnvironment(layers({ base: { PORT: '3000' } })).env['PORT']).toBe('3000');
  });
  test('PORT is the first port', () => {
    expect({
      ...portVariables([
        { name: null, port: 1, protocol: 'udp' },
        { name: 'a', port: 2, protocol: 'tcp' },
      ]),
    }).toEqual({ PORT: '1', PORT_A: '2' });
  });
  test('with a user, HOME, USER, LOGNAME and SHELL are that user’s', () => {
    const { env } = buildEnvironment(
      layers({
        base: { HOME: '/root', PATH: '/bin' },
        user: { name: 'postgres', home: '/var/pg', shell: '/bin/bash' },
      }),
    );
    expect(env).toMatchObject({
      HOME: '/var/pg',
      USER: 'postgres',
      LOGNAME: 'postgres',
      SHELL: '/bin/bash',
      PATH: '/bin',
    });
  });
  test('a declared value sees the layers before it, what stands above it, and reeve’s own', () => {
    const { env, bad } = buildEnvironment(
      layers({
        base: { PATH: '/bin' },
        ports: [{ name: 'http', port: 8081, protocol: 'tcp' }],
        projectEnv: { PATH: '${PATH}:/a' },
        serviceEnv: {
          PATH: '${PATH}:/b',
          URL: 'http://${REEVE_SERVICE}:${PORT}/${instance}',
          AGAIN: '${URL}!',
          P: '${ports.http}',
        },
      }),
    );
    expect(bad).toEqual([]);
    expect(env).toMatchObject({ PATH: '/bin:/a:/b', URL: 'http://web:8081/1', AGAIN: 'http://web:8081/1!', P: '8081' });
  });
  test('a value that cannot be replaced is reported with its layer and name', () => {
    const { bad } = buildEnvironment(layers({ projectEnv: { A: '${B}' }, serviceEnv: { B: '1', C: '${ports.x}' } }));
    expect(bad.map(({ layer, variable, bad: { written } }) => [layer, variable, written])).toEqual([
      ['project', 'A', '${B}'],
      ['service', 'C', '${ports.x}'],
    ]);
  });
  test('text of env files is taken as it is', () => {
    expect(buildEnvironment(layers({ serviceFiles: [{ A: '${NOPE}' }] })).env['A']).toBe('${NOPE}');
  });
  test('a variable called __proto__ is a variable', () => {
    const hostile = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    const { env } = buildEnvironment(layers({ serviceEnv: hostile }));
    expect(Object.keys(env)).toContain('__proto__');
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});

describe('masking', () => {
  test.each([
    'API_TOKEN',
    'SECRET',
    'PGPASSWORD',
    'MYSQL_PASSWD',
    'AWS_SECRET_ACCESS_KEY',
    'GOOGLE_CREDENTIALS',
    'sshKey',
    'DB_PASS',
    'SENTRY_DSN',
  ])('the value of %s is hidden', (name) => {
    expect(maskEnvironment({ [name]: 'canary' })[name]).toBe(MASK);
  });
  test.each(['PATH', 'HOME', 'PWD', 'OLDPWD', 'PORT', 'LOG_LEVEL', 'SSH_AUTH_SOCK', 'PASSENGERS'])(
    'the value of %s is shown',
    (name) => {
      expect(maskEnvironment({ [name]: 'plain' })[name]).toBe('plain');
    },
  );
  test('a password inside a URL is hidden, the rest of it shown', () => {
    expect(maskEnvironment({ DATABASE_URL: 'postgres://me:canary@db:5432/x' })['DATABASE_URL']).toBe(
      'postgres://me:***@db:5432/x',
    );
  });
});
