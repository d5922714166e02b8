import type { PsView, ServiceSpec } from '@reeve/contract';
import { expect, test } from 'vitest';
import { type PlanInput, planUp } from '../core/plan.ts';
import { bareSpec } from '../core/spec/bare-spec.ts';
import { declaredView } from '../operations/read/offline-view.ts';
import { drawTree, graphOf, listEdges } from './commands/graph.ts';
import { patienceFor } from './starting/bring-up.ts';
import { styleFor } from './terminal/style.ts';

const spec = (name: string, needs: readonly string[] = [], over: Partial<ServiceSpec> = {}): ServiceSpec => ({
  ...bareSpec(name, ['sleep', '1'], '/p'),
  autostart: true,
  depends_on: needs.map((service) => ({ service, condition: 'ready', required: true, on_down: 'ignore' })),
  ...over,
});
const services = [spec('web', ['api', 'db']), spec('api', ['db']), spec('db'), spec('tool', [], { autostart: false })];
const project = { folder: '/p', name: 'p', config: '/p/reeve.yaml', env: {}, env_files: [], services };
const terminal = styleFor({ isTTY: true, columns: 80, env: { LANG: 'C.UTF-8', NO_COLOR: '1' }, color: null });

test('the graph is in start order, with the wave in which each can start', () => {
  const nodes = graphOf(services);
  expect(nodes.map(({ name, wave }) => [name, wave])).toEqual([
    ['db', 0],
    ['api', 1],
    ['web', 2],
    ['tool', 0],
  ]);
  expect(nodes[0]?.dependents).toEqual(['web', 'api']);
  expect(listEdges(nodes)).toBe('db\napi\tdb:ready\nweb\tapi:ready\tdb:ready\ntool\n');
});

test('the tree draws each service once in full, however many need it', () => {
  expect(drawTree(graphOf(services), terminal)).toBe(
    [
      'db',
      '├─ web  when db is ready, with api',
      '└─ api  when db is ready',
      '   └─ web  when api is ready, with db',
      'tool',
      '',
    ].join('\n'),
  );
});

const nothing = declaredView(project, { running: false, pid: null, version: null, problems: [] });
const withStates = (states: Record<string, 'running' | 'completed' | 'failed'>): PsView => ({
  ...nothing,
  services: nothing.services.map((service) => ({ ...service, state: states[service.name] ?? service.state })),
});
const plan = (over: Partial<PlanInput>) =>
  planUp({ project, names: [], view: nothing, before: null, prune: false, ...over }).map(({ name, action, reason }) => [
    name,
    action,
    reason,
  ]);
const row = (service: ServiceSpec) => ({
  folder: '/p',
  name: service.name,
  spec: service,
  environment: {},
  managed_by: 'config' as const,
  data: null,
  in_config: true,
});

test('a dry run starts what is missing, in order, and leaves what does not start by itself', () => {
  expect(plan({})).toEqual([
    ['db', 'start', 'is stopped'],
    ['api', 'start', 'is stopped'],
    ['web', 'start', 'is stopped'],
    ['tool', 'leave', 'autostart: false'],
  ]);
});

test('a named service brings what it needs, and says for whom', () => {
  expect(plan({ names: ['api'] })).toEqual([
    ['db', 'start', 'api needs it'],
    ['api', 'start', 'is stopped'],
  ]);
});

test('what runs is kept, what has changed is restarted, what has left is stopped only when asked', () => {
  const changed = spec('api', ['db'], { command: { text: 'x', how: { kind: 'argv', argv: ['x'] } } });
  const before = { services: [row(spec('db')), row(changed), row(spec('old'))], shared: { env: {}, env_files: [] } };
  const here = withStates({ db: 'running', api: 'running', web: 'failed' });
  const [db] = here.services;
  if (!db) throw new Error('db is declared');
  const view = { ...here, services: [...here.services, { ...db, name: 'old', intent: 'up' as const }] };
  expect(plan({ view, before })).toEqual([
    ['db', 'keep', 'is running'],
    ['api', 'restart', 'changed in the config'],
    ['web', 'start', 'is failed'],
    ['tool', 'leave', 'autostart: false'],
    ['old', 'leave', 'no longer in the config; --prune stops it'],
  ]);
  expect(plan({ view, before, prune: true }).at(-1)).toEqual(['old', 'stop', 'no longer in the config']);
});

test('up waits as long as the config allows for the longest chain, and at least half a minute', () => {
  expect(patienceFor({ project }, ['db'])).toBe(30_000);
  expect(patienceFor({ project }, ['web'])).toBe(90_000);
  expect(patienceFor({ project: { ...project, services: [spec('a', [], { ready_timeout: 1 })] } }, ['a'])).toBe(30_000);
});

test('what only reeve acts on is changed without a new process, field by field', () => {
  const before = {
    services: [row(spec('db', [], { env: { A: '1' } })), row(spec('api', ['db'], { description: 'old' }))],
    shared: { env: {}, env_files: [] },
  };
  const view = withStates({ db: 'running', api: 'running' });
  const planned = planUp({ project, names: ['api'], view, before, prune: false });
  expect(planned.map(({ name, action, cost, changes }) => ({ name, action, cost, changes }))).toEqual([
    {
      name: 'db',
      action: 'restart',
      cost: 'restart',
      changes: [{ field: 'env.A', from: '1', to: null, cost: 'restart' }],
    },
    {
      name: 'api',
      action: 'update',
      cost: 'live',
      changes: [{ field: 'description', from: 'old', to: '', cost: 'live' }],
    },
  ]);
});
