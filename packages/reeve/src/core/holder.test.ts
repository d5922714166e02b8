import { expect, test } from 'vitest';
import type { Announced } from './announced/announced.ts';
import { describeHolder } from './holder.ts';
import type { Listener, Owner } from './interfaces.ts';

const listener: Listener = {
  port: 8081,
  protocol: 'tcp',
  address: '127.0.0.1',
  uid: 0,
  process: { boot: 'b', pid: 42, start: 1 },
  command: 'node web.js',
  user: 'root',
};
const owner: Owner = {
  project: 'proj-a',
  folder: '/a b',
  service: 'web',
  instance: 0,
  run: 'r1',
  isMain: true,
  isLive: true,
  byHand: null,
  foundBy: ['main'],
};
const byHand = { ...owner, byHand: {} as Announced };

test.each([
  ['a service of another project', owner, '/b', 'web of proj-a (pid 42)', 'reeve --project proj-a stop web'],
  ['a service of the same project', owner, '/a b', 'web of proj-a (pid 42)', 'reeve stop web'],
  ['by hand', byHand, '/b', 'web of proj-a, started manually (pid 42)', "reeve -C '/a b' stop web"],
  ['left', { ...owner, isLive: false }, '/b', 'node web.js (pid 42), left behind by web of proj-a', 'reeve kill :8081'],
  ['foreign', null, '/b', 'node web.js (pid 42, user root)', 'reeve kill :8081 --force'],
] as const)(
  'U4: who holds a port is named, and the command is the right one for that owner: %s',
  (_, of, from, holder, free) => {
    expect(describeHolder(listener, of, from)).toEqual({ holder, free });
  },
);
