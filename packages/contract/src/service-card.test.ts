import { expect, test } from 'vitest';
import { parseServiceCard } from './service-card.ts';

const least = { format: 1, id: '0123456789ab', project: 'shop', folder: '/srv/shop', service: 'web', pid: 4711 };
const parse = (more: object) => parseServiceCard(JSON.stringify({ ...least, ...more }));

test('a card with only what must be there is read with everything else filled in', () => {
  expect(parse({})).toMatchObject({
    service: 'web',
    instance: 0,
    state: 'running',
    ports: [],
    data: null,
    process: null,
  });
});

test.each([
  ['no JSON', '{'],
  ['a list', '[]'],
  ['a newer format', JSON.stringify({ ...least, format: 2 })],
  ['no id', JSON.stringify({ ...least, id: 'x' })],
  ['a path for a name', JSON.stringify({ ...least, service: '../../etc' })],
  ['a project with an escape', JSON.stringify({ ...least, project: 'shop\u001b[2J' })],
  ['a relative folder', JSON.stringify({ ...least, folder: 'srv' })],
  ['a pid that means a group', JSON.stringify({ ...least, pid: -1 })],
])('%s is not a card', (_, text) => {
  expect(parseServiceCard(text)).toBeNull();
});

test('what has the wrong type is as if it were not there', () => {
  const card = parse({
    ports: [8081, 'x', 0, 70_000, { port: 53, protocol: 'udp', name: 7 }],
    capabilities: 'all',
    dependencies: [1, 'db'],
    data: [],
    state: 'dancing',
    process: { boot: 'b', pid: 1, start: 5 },
    announcement: {
      cleanup: { kind: 'command', command: [] },
      start: { kind: 'command', command: 'go' },
      cleanup_timeout: -1,
    },
    exit: { kind: 'code', code: 'x', at: 'now' },
    started_at: 'yesterday',
  });
  expect(card?.ports).toEqual([
    { name: null, port: 8081, protocol: 'tcp' },
    { name: null, port: 53, protocol: 'udp' },
  ]);
  expect(card).toMatchObject({ capabilities: [], dependencies: ['db'], data: null, state: 'running', process: null });
  expect(card?.announcement).toMatchObject({ cleanup: null, start: { command: 'go' }, cleanup_timeout: 5000 });
  expect([card?.exit, card?.started_at]).toEqual([null, '']);
});
