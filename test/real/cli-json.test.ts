import { expect, test } from 'vitest';
import { startReeve } from '../harness/reeve.ts';

/** What a shape says: `string`, `null`, a list of one element's shape, an object of shapes. */
type Shape = string | readonly Shape[] | { readonly [key: string]: Shape };

function shapeOf(value: unknown): Shape {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shapeOf(v)]));
  return typeof value;
}

const port = { name: 'string', port: 'number', protocol: 'string', listening: 'boolean' };
const instance = {
  index: 'number',
  pid: 'number',
  started_at: 'string',
  state: 'string',
  health: 'string',
  ports: [port],
  restarts: 'number',
  cpu_percent: 'number',
  memory_bytes: 'number',
  exit: 'null',
};
const service = {
  id: 'string',
  name: 'string',
  description: 'string',
  command: 'string',
  cwd: 'string',
  created_at: 'string',
  updated_at: 'string',
  state: 'string',
  reason: 'null',
  status: 'null',
  intent: 'string',
  health: 'string',
  ready: 'boolean',
  pid: 'number',
  started_at: 'string',
  exit: 'null',
  restarts: 'number',
  ports: [port],
  data: 'null',
  groups: ['string'],
  is_system: 'boolean',
  managed_by: 'string',
  cpu_percent: 'number',
  memory_bytes: 'number',
  instances: [instance],
};
const ps = {
  project: 'string',
  daemon: { running: 'boolean', pid: 'number', version: 'string', problems: [] },
  services: [service],
  unmanaged: [],
  scanned_at: 'string',
};
const event = { at: 'string', seq: 'number', project: 'string', service: 'string', instance: 'number', run: 'string' };

test('every command with --json prints what the contract says, and nothing else, on standard output', async () => {
  await using reeve = startReeve();
  reeve.project({
    project: 'shop',
    services: {
      web: {
        description: 'The web',
        command: [...reeve.program('http-server')],
        ports: { http: await reeve.port() },
        groups: ['front'],
      },
    },
  });
  const waited = { name: 'string', outcome: 'string', state: 'string', reason: 'null', ms: 'number' };
  const table: readonly (readonly [string, Shape])[] = [
    [
      'up --dry-run',
      { project: 'string', services: [{ name: 'string', action: 'string', reason: 'string', depends_on: [] }] },
    ],
    ['up', { project: 'string', outcome: 'string', services: [waited], changed: [], removed: [] }],
    ['ps', ps],
    ['ps --all', { projects: [ps] }],
    ['status web', { project: 'string', services: [service] }],
    [
      'why web',
      { service, summary: 'string', waits_for: [], blocks: [], next_try_at: 'null', survivors: [], try: ['string'] },
    ],
    ['wait web', { outcome: 'string', services: [waited] }],
    ['signal CONT web', { signals: [{ service: 'string', signal: 'string', pid: 'number' }] }],
    ['logs web --paths', { paths: ['string'] }],
    ['validate', { valid: 'boolean', project: 'string', config: 'string', problems: [], notes: [] }],
    ['graph', { services: [{ name: 'string', depends_on: [], dependents: [], wave: 'number' }] }],
    ['daemon status', { running: 'boolean', pid: 'number', version: 'string', home: 'string', started_at: 'string' }],
    ['version', { version: 'string' }],
    ['restart web', { project: 'string', outcome: 'string', services: [waited] }],
    ['start web', { project: 'string', outcome: 'string', services: [waited] }],
    [
      'stop',
      {
        project: 'string',
        status: 'string',
        services: [
          {
            name: 'string',
            promise: 'string',
            promise_reason: 'string',
            processes: [{ pid: 'number', command: 'string', found_by: ['string'], signals: ['string'] }],
            ports: [{ port: 'number', free: 'boolean' }],
          },
        ],
        survivors: [],
        ms: 'number',
      },
    ],
    ['stop --all', { receipts: [{ project: 'string', status: 'string', services: [], survivors: [], ms: 'number' }] }],
    ['down', { project: 'string', status: 'string', services: [], survivors: [], ms: 'number' }],
  ];
  for (const [line, shape] of table) {
    const result = await reeve.run([...line.split(' '), '--json']);
    expect(result.code, `${line}: ${result.stderr}`).toBe(0);
    expect(result.stdout.trimEnd().split('\n'), line).toHaveLength(1);
    expect(shapeOf(result.json()), line).toMatchObject(shape as object);
  }
});

test('logs and events are JSON lines; ports names owner and lease', async () => {
  await using reeve = startReeve();
  const number = await reeve.port();
  reeve.project({
    project: 'shop',
    services: {
      web: { command: [...reeve.program('http-server')], ports: { http: number } },
      say: { command: [...reeve.program('prints-lines', 'count=3')], ready: { log: 'line 3' } },
    },
  });
  expect((await reeve.run(['up', '-d'])).code).toBe(0);
  for (const each of (await reeve.run(['logs', 'say', '--json'])).jsonLines()) {
    expect(shapeOf(each)).toEqual({ ...event, stream: 'string', line: 'string' });
  }
  const events = (await reeve.run(['events', 'say', '--json'])).jsonLines();
  expect(events.length).toBeGreaterThan(1);
  expect(shapeOf(events.at(-1))).toMatchObject({ ...event, event: 'string', message: 'string' });
  const { ports } = await reeve.json<{ ports: readonly unknown[] }>(['ports', String(number)]);
  expect(ports).toEqual([
    expect.objectContaining({
      port: number,
      protocol: 'tcp',
      project: 'shop',
      service: 'web',
      instance: 0,
      name: 'http',
      leased: true,
      listening: true,
      owner: expect.objectContaining({ pid: expect.any(Number), ours: true }),
    }),
  ]);
});

test('with --json an error is one JSON object on standard error, and standard output stays empty', async () => {
  await using reeve = startReeve();
  for (const line of ['ps', 'up', 'nosuch', 'up --nope', 'logs x']) {
    const result = await reeve.run([...line.split(' '), '--json']);
    expect(result.stdout, line).toBe('');
    expect(JSON.parse(result.stderr), line).toMatchObject({
      error: { code: expect.any(String), message: expect.any(String), hint: expect.any(String) },
    });
  }
});
