import { type CardSigns, parseServiceCard, type RunSigns } from '@reeve/contract';
import { expect, test } from 'vitest';
import { type Carried, carriedIn } from './carried.ts';
import type { Stat } from './linux/proc-stat.ts';
import { attribute } from './owners.ts';

const HOME = '/home';
const ID = 'aaaaaaaaaaaa';

const stat = (pid: number, more: Partial<Stat> = {}): Stat => ({
  pid,
  comm: 'x',
  state: 'S',
  ppid: 1,
  pgrp: 1,
  session: 1,
  exiting: false,
  threads: 1,
  start: pid,
  pages: 1,
  cpu: 0,
  image: '',
  ...more,
});

const run = (over: Partial<RunSigns> = {}): RunSigns => ({
  run: 'r1',
  folder: '/a',
  project: 'proj-a',
  service: 'web',
  index: 0,
  main: null,
  cgroup: null,
  mark: null,
  members: new Map(),
  ...over,
});

function card(pid: number, liveness: CardSigns['liveness'], run: string | null = null): CardSigns {
  const of = { id: ID, service: 'manager', folder: '/b', project: 'proj-b', pid, run };
  const parsed = parseServiceCard(JSON.stringify({ format: 1, ...of, process: { boot: 'b', pid, start: pid } }));
  if (!parsed) throw new Error('not a card');
  return { card: parsed, liveness, identity: 'verified' };
}

/** Pid → owner in words, of processes with the environments that are given. */
function owners(
  live: readonly Stat[],
  environs: Readonly<Record<number, Readonly<Record<string, string>>>>,
  runs: readonly RunSigns[],
  cards: readonly CardSigns[] = [],
  signs: Readonly<Record<number, Partial<Carried>>> = {},
) {
  const carried = (pid: number): Carried => ({
    ...carriedIn(new Map(Object.entries(environs[pid] ?? {})), { cgroup: null, mark: null }),
    ...signs[pid],
  });
  const found = attribute({ home: HOME, live, carried }, runs, cards);
  return Object.fromEntries(
    [...found].map(([pid, { project, service, isMain, isLive, byHand, foundBy }]) => [
      pid,
      `${isLive ? '' : 'left by '}${project}/${service}${isMain ? ' main' : ''}${byHand ? ' by hand' : ''}: ${foundBy}`,
    ]),
  );
}

test('U4: a run is known by its main, cgroup, mark, cookie and trackers; all that agree are named', () => {
  const signs = { 10: { cgroup: '/r/x', mark: 7 }, 11: { cgroup: '/r/x/deeper' }, 12: { mark: 7 } };
  const members = new Map([[14, ['stream'] as const]]);
  const one = run({ main: { pid: 10, start: 10 }, cgroup: '/r/x', mark: 7, members });
  const live = [stat(10), stat(11), stat(12), stat(13), stat(14), stat(15)];
  expect(owners(live, { 13: { REEVE_HOME: HOME, REEVE_RUN: 'r1' } }, [one], [], signs)).toEqual({
    10: 'proj-a/web main: main,cgroup,mark',
    11: 'proj-a/web: cgroup',
    12: 'proj-a/web: mark',
    13: 'proj-a/web: cookie',
    14: 'proj-a/web: stream',
  });
});

test('U4: a pid with another start tick is another process; a cookie of another home is of no service here', () => {
  const one = run({ main: { pid: 10, start: 9 } });
  expect(owners([stat(10), stat(11)], { 11: { REEVE_HOME: '/other', REEVE_RUN: 'r1' } }, [one])).toEqual({});
});

test('U4: the cookie of a run that is over says who left a process behind; a daemon belongs to no service', () => {
  const cookie = { REEVE_HOME: HOME, REEVE_RUN: 'old', REEVE_PROJECT: 'proj-a', REEVE_SERVICE: 'web' };
  const live = [stat(10), stat(11), stat(12, { ppid: 10 })];
  expect(owners(live, { 10: cookie, 11: { ...cookie, REEVE_DAEMON: '1' } }, [])).toEqual({
    10: 'left by proj-a/web: cookie',
    12: 'left by proj-a/web: tree',
  });
});

test('U22: a service started manually owns its process, what is below it, and what carries its mark', () => {
  const live = [stat(20), stat(21, { ppid: 20 }), stat(22, { ppid: 21 }), stat(23), stat(24)];
  expect(owners(live, { 23: { REEVE_OWNER: `${ID}:1` } }, [], [card(20, 'live')])).toEqual({
    20: 'proj-b/manager main by hand: main',
    21: 'proj-b/manager by hand: tree',
    22: 'proj-b/manager by hand: tree',
    23: 'proj-b/manager by hand: cookie',
  });
});

test('U22: what carries the mark of a start before the present one was left behind by it', () => {
  const live = [stat(20), stat(15), stat(16, { ppid: 15 })];
  expect(owners(live, { 15: { REEVE_OWNER: `${ID}:1` } }, [], [card(20, 'live')])).toEqual({
    20: 'proj-b/manager main by hand: main',
    15: 'left by proj-b/manager by hand: cookie',
    16: 'left by proj-b/manager by hand: tree',
  });
});

test('U22: the children of a dead service are known by its mark, its session and its group', () => {
  const live = [
    stat(21),
    stat(22, { ppid: 21 }),
    stat(23, { session: 20 }),
    stat(24, { pgrp: 20 }),
    stat(19, { pgrp: 20 }),
    stat(30, { pgrp: 20 }),
  ];
  const environs = { 21: { REEVE_OWNER: `${ID}:1` }, 30: { REEVE_HOME: '/other', REEVE_RUN: 'x' } };
  expect(owners(live, environs, [], [card(20, 'stale')])).toEqual({
    21: 'left by proj-b/manager by hand: cookie',
    22: 'left by proj-b/manager by hand: tree',
    23: 'left by proj-b/manager by hand: session',
    24: 'left by proj-b/manager by hand: group',
  });
});

test('U22: a group whose number belongs to a living process is not another’s', () => {
  expect(owners([stat(20, { start: 99 }), stat(24, { pgrp: 20 })], {}, [], [card(20, 'stale')])).toEqual({});
});

test('U4: what reeve itself started belongs to its run, whatever card it has left; it is not by hand', () => {
  const one = run({ main: { pid: 20, start: 20 } });
  expect(owners([stat(20)], {}, [one], [card(20, 'live', 'r1')])).toEqual({ 20: 'proj-a/web main: main' });
});
