import type { ServiceSpec } from '@reeve/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonical } from './canonical.ts';
import { stringCommand, wordsCommand } from './command-line.ts';
import { costOf, specChanges } from './spec-changes.ts';
import { testSpec } from './test-spec.ts';

const base = testSpec({
  env: { A: '1', B: '2' },
  ready_timeout: 1,
  restart: { policy: 'never', backoff: { min: 0, max: 0 }, limit: null },
  stop: { signal: 'SIGTERM', timeout: 1, timeout_declared: false, mode: 'all', command: null },
});
const project = { env: {}, env_files: [] };
const changes = (over: Partial<ServiceSpec>, from: Partial<ServiceSpec> = {}) =>
  specChanges({ spec: { ...base, ...from }, project }, { spec: { ...base, ...over }, project });

test.each<[string, Partial<ServiceSpec>]>([
  ['description', { description: 'x' }],
  ['restart', { restart: { policy: 'always', backoff: { min: 1, max: 1 }, limit: null } }],
  ['stop', { stop: { ...base.stop, timeout: 9 } }],
  ['health', { ready_timeout: 9 }],
  ['depends_on', { depends_on: [{ service: 'db', condition: 'ready', required: true, on_down: 'ignore' }] }],
  ['instances', { instances: 3 }],
  ['groups', { groups: ['a'] }],
  ['the order of env', { env: { B: '2', A: '1' } }],
  ['quotes around the same words', { command: stringCommand("node 'x'", null) as ServiceSpec['command'] }],
])('%s does not matter for a running process', (_, over) => {
  expect(costOf(changes(over))).not.toBe('restart');
});
test.each<[string, Partial<ServiceSpec>]>([
  ['command', { command: wordsCommand(['node', 'y']) }],
  ['cwd', { cwd: '/q' }],
  ['env', { env: { A: '1' } }],
  ['ports', { ports: [{ name: null, port: 1, protocol: 'tcp', shared: false }] }],
  ['user', { user: 'x' }],
  ['umask', { umask: 18 }],
  ['limits', { limits: { nofile: 1 } }],
  ['logs', { logs: { max_size: 1, max_files: 1, max_age: null, compress: true } }],
])('%s needs a new process', (_, over) => {
  expect(costOf(changes(over))).toBe('restart');
});
test('so do the variables of the project', () => {
  const other = { env: { X: '1' }, env_files: ['/p/.env'] };
  expect(specChanges({ spec: base, project }, { spec: base, project: other })).toEqual([
    { field: 'project.env.X', from: null, to: '1', cost: 'restart' },
    { field: 'project.env_files', from: [], to: ['/p/.env'], cost: 'restart' },
  ]);
});
test('the order of variables matters where one names another', () => {
  expect(costOf(changes({ env: { A: '1', B: '${A}' } }, { env: { B: '${A}', A: '1' } }))).toBe('restart');
});
test('an equal spec changes nothing', () => {
  expect(changes({})).toEqual([]);
  expect(costOf([])).toBeNull();
});
test('a change is listed field by field, with what it costs, and secrets masked', () => {
  expect(
    changes({
      description: 'Tournament web editor',
      env: { A: '2', C: '3', API_TOKEN: 'hunter2' },
      restart: { policy: 'always', backoff: { min: 0, max: 0 }, limit: null },
    }),
  ).toEqual([
    { field: 'description', from: '', to: 'Tournament web editor', cost: 'live' },
    { field: 'env.A', from: '1', to: '2', cost: 'restart' },
    { field: 'env.B', from: '2', to: null, cost: 'restart' },
    { field: 'env.C', from: null, to: '3', cost: 'restart' },
    { field: 'env.API_TOKEN', from: null, to: '***', cost: 'restart' },
    { field: 'restart.policy', from: 'never', to: 'always', cost: 'live' },
  ]);
});
test('canonical JSON is JSON, and the same for the same value in another order', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.stringify(JSON.parse(canonical(value)))).toBe(JSON.stringify(JSON.parse(canonical(reversed(value)))));
      expect(canonical(value)).toBe(canonical(reversed(value)));
    }),
  );
});
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([k, v]) => [k, reversed(v)]),
  );
}
