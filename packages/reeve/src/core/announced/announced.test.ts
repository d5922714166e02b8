import type { InstanceView, ServiceCard, ServiceView } from '@reeve/contract';
import { expect, test } from 'vitest';
import { type Announced, differences, portsOf } from './announced.ts';
import { isSupervised, withAnnounced } from './announced-view.ts';

const port = (number: number, protocol: 'tcp' | 'udp' = 'tcp') => ({ name: null, port: number, protocol });
const declared = {
  ports: [{ ...port(8081), shared: false }],
  instances: 2,
  capabilities: ['A'],
  depends_on: [{ service: 'db', condition: 'ready', required: true, on_down: 'ignore' }],
} as const;

test('what a service announces and its config does not know is reported, and the other way round', () => {
  const said = { ports: [port(8081), port(9000), port(53, 'udp')], capabilities: ['b'], dependencies: [] };
  expect(differences(declared, said)).toEqual([
    'announces port 9000: not in `ports` of the config',
    'announces port 53/udp: not in `ports` of the config',
    'port 8082 is declared and not announced',
    'announces capability b: not in `capabilities` of the config',
    'capability A is declared and not announced',
  ]);
});

test('a service that says nothing contradicts nothing, and an auto port may be any', () => {
  expect(differences(declared, { ports: [], capabilities: [], dependencies: [] })).toEqual([]);
  const auto = { ...declared, ports: [{ ...declared.ports[0], port: 'auto' as const }] };
  expect(differences(auto, { ports: [port(20_001)], capabilities: ['a'], dependencies: ['DB'] })).toEqual([]);
});

const card = (over: Partial<ServiceCard>): ServiceCard =>
  ({
    ...{
      service: 'web',
      project: 'shop',
      folder: '/shop',
      instance: 0,
      argv: [],
      cwd: '/shop',
      pid: 4711,
      run: null,
      state: 'running',
      ready: true,
    },
    ...{ title: 'shop-web', description: '', data: { v: 1 }, ports: [port(8081)], dependencies: [], capabilities: [] },
    ...{ announcement: null, health: 'unknown', health_reason: null, status: null, exit: null },
    ...{ started_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' },
    ...over,
  }) as ServiceCard;
const found = (over: Partial<Announced> = {}, of: Partial<ServiceCard> = {}): Announced => ({
  ...{ card: card(of), origin: 'library', file: '/run/x.json', liveness: 'live', identity: 'verified' },
  ...over,
});
const view = (instance: Partial<InstanceView>): ServiceView =>
  ({
    name: 'web',
    title: null,
    data: null,
    managed_by: 'config',
    intent: 'up',
    description: 'The web',
    instances: [instance],
  }) as unknown as ServiceView;
const nobodyListens = () => false;

test('a service that reeve runs shows what it announced, and stays what it is', () => {
  const [web] = withAnnounced([view({ run: 'r1', pid: 4711 })], [found({}, { run: 'r1' })], nobodyListens);
  expect(web).toMatchObject({ managed_by: 'config', title: 'shop-web', data: { v: 1 } });
});

test('the card of a process that was killed is not of the service that has its pid now', () => {
  const service = view({ run: 'r2', pid: 4711 });
  expect(isSupervised(service, found({ liveness: 'live' }))).toBe(true);
  expect(isSupervised(service, found({ liveness: 'stale' }))).toBe(false);
});

test('a copy started manually is shown in the place of the declared one that does not run', () => {
  const [web, ...more] = withAnnounced([view({ run: null, pid: null })], [found()], () => true);
  expect(more).toEqual([]);
  expect(web).toMatchObject({
    managed_by: 'announced',
    pid: 4711,
    state: 'running',
    ready: true,
    description: 'The web',
  });
  expect(web?.reason).toContain('reeve up web');
});

test('U22: a service that is in no config is added; one that ended in order or was killed is seen as stopped', () => {
  expect(withAnnounced([], [found()], nobodyListens)[0]).toMatchObject({
    name: 'web',
    pid: 4711,
    managed_by: 'announced',
  });
  const [ended] = withAnnounced([], [found({ liveness: 'stopped' })], nobodyListens);
  expect(ended).toMatchObject({ state: 'stopped', pid: null, ready: false });
  const [killed] = withAnnounced([], [found({ liveness: 'stale' })], nobodyListens);
  expect(killed).toMatchObject({ state: 'stopped', pid: null, ready: false, exit: { kind: 'unobserved' } });
  expect(killed?.reason).toBe('its process was killed');
});

test('asking twice changes nothing', () => {
  const once = withAnnounced([view({ run: null, pid: null })], [found(), found({}, { service: 'job' })], nobodyListens);
  expect(withAnnounced(once, [found(), found({}, { service: 'job' })], nobodyListens)).toEqual(once);
});

test('the ports of a service are its own and those of what it manages, each once', () => {
  const announcement = { ports: [port(8081), port(9000)] } as unknown as ServiceCard['announcement'];
  expect(portsOf(card({ announcement })).map((each) => each.port)).toEqual([8081, 9000]);
});
