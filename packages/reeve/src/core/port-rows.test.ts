import { expect, test } from 'vitest';
import type { Listener, Owner } from './interfaces.ts';
import { portRows } from './port-rows.ts';
import type { LeaseRow } from './registry.ts';

const listener = (port: number, pid: number): Listener => ({
  port,
  protocol: 'tcp',
  address: '::',
  uid: 0,
  process: { boot: 'b', pid, start: 1 },
  command: `program ${pid}`,
  user: 'root',
});
const owner = (service: string, over: Partial<Owner> = {}): Owner => ({
  project: 'shop',
  folder: '/shop',
  service,
  instance: 0,
  run: 'r',
  isMain: true,
  isLive: true,
  byHand: null,
  foundBy: ['main'],
  ...over,
});
const lease = (port: number, service: string): LeaseRow => {
  const rest = { index: 0, name: null, kind: 'fixed', run: 'r', at: 0 } as const;
  return { port, protocol: 'tcp', folder: '/shop', service, ...rest };
};
const names = new Map([['/shop', 'shop']]);

function rows(leases: readonly LeaseRow[], listeners: readonly Listener[], owners: Readonly<Record<number, Owner>>) {
  const found = portRows({ leases, listeners, names, ownerOf: (pid) => owners[pid] ?? null, port: null });
  return found.map((row) => [row.port, row.service, row.leased, row.owner?.pid ?? null, row.owner?.ours ?? null]);
}

test('U29: every process that listens on a port has a row, the service and the foreign program', () => {
  expect(rows([lease(80, 'web')], [listener(80, 5), listener(80, 6), listener(80, 5)], { 5: owner('web') })).toEqual([
    [80, 'web', true, 5, true],
    [80, 'web', true, 6, false],
  ]);
});

test('U4: a port that another service holds is not its own, and its holder is named', () => {
  const found = portRows({
    leases: [lease(80, 'web')],
    listeners: [listener(80, 5)],
    names,
    ownerOf: () => owner('api', { project: 'other', folder: '/other' }),
    port: 80,
  });
  expect(found).toMatchObject([{ service: 'web', owner: { ours: false, project: 'other', service: 'api' } }]);
});

test('U22: a listener without a lease is of the service that it belongs to', () => {
  expect(
    rows([], [listener(80, 5), listener(81, 6), listener(82, 7)], {
      5: owner('web'),
      6: owner('old', { isLive: false }),
    }),
  ).toEqual([
    [80, 'web', false, 5, true],
    [81, 'old', false, 6, false],
    [82, null, false, 7, false],
  ]);
});

test('a lease on which nothing is listening is shown', () => {
  expect(rows([lease(80, 'web')], [], {})).toEqual([[80, 'web', true, null, null]]);
});
