import { type Calls, CONTROL_PROTOCOL, type ServiceSpec } from '@reeve/contract';
import { expect, test } from 'vitest';
import { parseRequest } from './request.ts';

const service: ServiceSpec = {
  name: 'web',
  description: '',
  command: { text: 'node a.js', how: { kind: 'argv', argv: ['node', 'a.js'] } },
  cwd: '/srv/shop',
  env: { LOG_LEVEL: 'info' },
  env_files: [],
  ports: [{ name: 'http', port: 'auto', protocol: 'tcp', shared: false }],
  ready: { kind: 'log', pattern: '[[[[{{{{ ready' },
  ready_timeout: 30_000,
  health: {
    check: { kind: 'http', url: '/healthz', status: [[200, 399]], body: null },
    interval: 5000,
    timeout: 2000,
    retries: 3,
    successes: 1,
    start_period: 0,
  },
  on_unhealthy: 'restart',
  depends_on: [{ service: 'db', condition: 'healthy', required: true, on_down: 'ignore' }],
  restart: { policy: 'on-failure', backoff: { min: 500, max: 30_000 }, limit: { count: 5, period: 60_000 } },
  stop: { signal: 'SIGTERM', timeout: 10_000, timeout_declared: false, mode: 'main_first', command: null },
  oneshot: false,
  instances: 1,
  autostart: true,
  user: null,
  group: null,
  umask: 0o022,
  nice: null,
  limits: { nofile: 1024 },
  logs: { max_size: 1, max_files: 1, max_age: null, compress: true },
  groups: ['web'],
  capabilities: [],
  is_system: false,
  secrets: {},
  cleanup: null,
};
const actor = { kind: 'cli', user: 'me', pid: 1 } as const;
const apply: Calls['apply']['params'] = {
  project: { folder: '/srv/shop', name: 'shop', config: null, env: {}, env_files: [], services: [service] },
  environment: { PATH: '/bin' },
  services: ['web', 'web:1'],
  prune: false,
  guard: null,
  actor,
};
function ask(call: string, params: unknown): string | null {
  const parsed = parseRequest(JSON.stringify({ id: 1, protocol: CONTROL_PROTOCOL, call, params }));
  return parsed.ok ? null : parsed.error.message;
}
const withService = (change: Record<string, unknown>): unknown => ({
  ...apply,
  project: { ...apply.project, services: [{ ...service, ...change }] },
});

test('a whole project passes and comes back as it was sent', () => {
  const line = JSON.stringify({ id: 5, protocol: CONTROL_PROTOCOL, call: 'apply', params: apply });
  const parsed = parseRequest(line);
  expect(parsed).toEqual({ ok: true, request: { id: 5, protocol: CONTROL_PROTOCOL, call: 'apply', params: apply } });
});

test.each([
  ['a key too many', withService({ extra: 1 }), 'apply: params/project/services/0/extra'],
  ['a key too few', withService({ name: undefined }), 'apply: params/project/services/0/name'],
  ['a wrong type', withService({ instances: '2' }), 'apply: params/project/services/0/instances'],
  ['an empty argv', withService({ command: { text: '', how: { kind: 'argv', argv: [] } } }), 'services/0/command'],
  ['a zero byte for execve', withService({ cwd: '/srv\0/x' }), 'services/0/cwd'],
  ['a variable with = in its name', { ...apply, environment: { 'A=B': '' } }, 'apply: params/environment'],
  ['a selector that is not a name', { ...apply, services: ['../x'] }, 'apply: params/services/0'],
  ['no parameters', undefined, 'apply: params'],
])('%s is refused, naming the place', (_, params, place) => {
  expect(ask('apply', params)).toContain(place);
});

test('__proto__ as a variable is refused', () => {
  const line = JSON.stringify({ id: 1, protocol: CONTROL_PROTOCOL, call: 'apply', params: apply });
  const parsed = parseRequest(line.replace('"environment":{', '"environment":{"__proto__":"x",'));
  expect(parsed.ok).toBe(false);
});

test('ping and shutdown are understood in any protocol, so that an old daemon can be stopped', () => {
  const line = (call: string, params: unknown): string => JSON.stringify({ id: 1, protocol: 2, call, params });
  expect(parseRequest(line('ping', {})).ok).toBe(true);
  expect(parseRequest(line('shutdown', { with_services: false, actor })).ok).toBe(true);
  const other = parseRequest(line('ps', { project: null }));
  expect(other.ok ? null : other.error.code).toBe('PROTOCOL_MISMATCH');
});

test('deep nesting is refused before it is parsed, brackets in strings do not count', () => {
  const nested = `{"id":1,"protocol":1,"call":"ping","params":${'['.repeat(40)}${']'.repeat(40)}}`;
  const parsed = parseRequest(nested);
  expect(parsed.ok ? null : parsed.error.message).toContain('nested deeper');
  expect(ask('signal', { project: {}, service: 'a', signal: `"\\${'['.repeat(50)}`, actor })).toBeNull();
});
