import type { Stat } from '@reeve/host';
import { describe, expect, test } from 'vitest';
import { ALL_TRACKERS, findMembers, type Memory, type TrackerSwitches } from './membership.ts';
import { indexSnapshot } from './proc-scan.ts';
import type { Traits } from './process-marks.ts';

const blank = { comm: 'x', state: 'S', threads: 1, pages: 1, cpu: 0, exiting: false, image: '' };
const none = { over: new Set<string>(), unproven: new Set<string>() };
const nothing: Memory = { known: new Map(), sessions: new Map(), groups: new Map(), ...none };
const MARK = 2 ** 52 + 1;
const signs = { run: 'r1', main: { boot: 'b', pid: 100, start: 1000 }, mark: MARK, port: [] };
const noTraits: Traits = {
  cookie: null,
  mark: null,
  stream: null,
  owner: null,
  isKeeper: false,
  isDetached: false,
  carried: null,
};

/** pid, ppid, session, start (group = session). */
function stat(pid: number, ppid: number, session: number, start: number): Stat {
  return { ...blank, pid, ppid, pgrp: session, session, start };
}

function find(
  stats: readonly Stat[],
  given: {
    cookies?: Record<number, string>;
    marks?: Record<number, number>;
    streams?: Record<number, string>;
    keepers?: number[];
    port?: number[];
    memory?: Partial<Memory>;
    on?: Partial<TrackerSwitches>;
    cgroup?: number[];
    detached?: number[];
  } = {},
): Record<number, string[]> {
  const snapshot = indexSnapshot(0, stats, (pid) => ({
    ...noTraits,
    cookie: given.cookies?.[pid] ?? null,
    mark: given.marks?.[pid] ?? null,
    stream: given.streams?.[pid] ?? null,
    isKeeper: given.keepers?.includes(pid) ?? false,
    isDetached: given.detached?.includes(pid) ?? false,
  }));
  const among = (pids: number[] | undefined) => stats.filter((each) => pids?.includes(each.pid));
  const all = { ...signs, cgroup: among(given.cgroup), port: among(given.port) };
  const on = { ...ALL_TRACKERS, ...given.on };
  const members = findMembers(snapshot, all, { ...nothing, ...given.memory }, on);
  return Object.fromEntries([...members].map(([pid, { foundBy }]) => [pid, [...foundBy].sort()]));
}

const main = stat(100, 1, 100, 1000);

test('main, its session, group and tree belong to the run; its parent and strangers do not', () => {
  expect(find([stat(50, 1, 50, 10), main, stat(101, 100, 100, 1001), stat(300, 50, 50, 2000)])).toEqual({
    100: ['main'],
    101: ['group', 'session', 'tree'],
  });
});

test('a child in a session of its own is found by the tree, and brings its own session in', () => {
  const found = find([main, stat(101, 100, 101, 1001), stat(102, 1, 101, 1002)]);
  expect(found[101]).toEqual(['tree']);
  expect(found[102]).toEqual(['group', 'session']);
});

test('a newcomer with the pid of main is not main', () => {
  expect(find([stat(100, 1, 100, 5000), stat(101, 100, 100, 5001)])).toEqual({});
});

test('an older process is never the child of a younger one', () => {
  expect(find([main, stat(101, 100, 101, 900)])).toEqual({ 100: ['main'] });
});

test('the cookie finds what left session and tree; another cookie is another run', () => {
  const stats = [main, stat(200, 1, 200, 1500), stat(201, 1, 201, 1500)];
  expect(find(stats, { cookies: { 200: 'r1', 201: 'r2' } })).toEqual({ 100: ['main'], 200: ['cookie'] });
});

test('what the leader left behind is found as long as nobody else has its number', () => {
  const memory = { sessions: new Map([[100, 1000]]), groups: new Map([[100, 1000]]) };
  const left = stat(101, 1, 100, 1001);
  expect(find([left], { memory })).toEqual({ 101: ['group', 'session'] });
  expect(find([left], { memory, cookies: { 101: 'r2' } })).toEqual({});
  expect(find([stat(100, 1, 100, 7000), stat(102, 100, 100, 7001)], { memory })).toEqual({});
  expect(find([left])).toEqual({});
});

test('once seen stays known, by pid and start tick', () => {
  const memory = { known: new Map([[500, { start: 1200, foundBy: new Set(['tree'] as const) }]]) };
  expect(find([stat(500, 1, 500, 1200)], { memory })).toEqual({ 500: ['tree'] });
  expect(find([stat(500, 1, 500, 1201)], { memory })).toEqual({});
});

test('what the kernel counts into the cgroup belongs to it, with its descendants', () => {
  expect(find([stat(500, 1, 500, 1200), stat(501, 500, 501, 1300)], { cgroup: [500] })).toEqual({
    500: ['cgroup'],
    501: ['tree'],
  });
});

test('a daemon that a member has started is none of the run, nor is what it starts', () => {
  const stats = [main, stat(101, 100, 101, 1001), stat(102, 101, 102, 1002)];
  expect(find(stats, { cookies: { 101: 'daemon' } })).toEqual({ 100: ['main'] });
  expect(Object.keys(find(stats, { cookies: { 101: 'overwritten' } }))).toEqual(['100', '101', '102']);
});

test.each([
  ['tree', [stat(101, 100, 101, 1001)]],
  ['session', [stat(101, 1, 100, 1001)]],
  ['cookie', [stat(101, 1, 101, 1001)]],
] as const)('with %s switched off its finds are missed', (tracker, stats) => {
  const cookies = { 101: tracker === 'cookie' ? 'r1' : 'none' };
  expect(Object.keys(find([main, ...stats], { cookies }))).toEqual(['100', '101']);
  expect(Object.keys(find([main, ...stats], { cookies, on: { [tracker]: false } }))).toEqual(['100']);
});

describe('an orphan under a keeper', () => {
  const keeper = stat(50, 1, 50, 10);
  const orphan = (pid: number) => stat(pid, 50, pid, 1500);
  const world = { keepers: [50], cookies: { 50: 'daemon' } };

  test('is of the run whose mark it carries, and of no other; main is not an orphan', () => {
    const stats = [keeper, stat(100, 50, 100, 1000), orphan(200), orphan(201)];
    expect(find(stats, { ...world, marks: { 100: MARK, 200: MARK, 201: MARK + 1 } })).toEqual({
      100: ['main', 'mark'],
      200: ['mark', 'subreaper'],
    });
  });

  test('is of the run whose cookie it carries', () => {
    expect(find([keeper, orphan(200)], { ...world, cookies: { 50: 'daemon', 200: 'r1' } })).toEqual({
      200: ['cookie', 'subreaper'],
    });
  });

  test('without either belongs to no run, unless it was known before', () => {
    expect(find([keeper, orphan(200)], world)).toEqual({});
    const memory = { known: new Map([[200, { start: 1500, foundBy: new Set(['tree'] as const) }]]) };
    expect(find([keeper, orphan(200)], { ...world, memory })).toEqual({ 200: ['subreaper', 'tree'] });
  });

  test('is not found by what is switched off', () => {
    const given = { ...world, marks: { 200: MARK } };
    expect(find([keeper, orphan(200)], { ...given, on: { subreaper: false } })).toEqual({ 200: ['mark'] });
    expect(find([keeper, orphan(200)], { ...given, on: { mark: false } })).toEqual({});
  });
});

test('who holds the output of the run, or a socket that a member held, belongs to it', () => {
  const stats = [stat(200, 1, 200, 1500), stat(201, 1, 201, 1500), stat(202, 1, 202, 1500)];
  const given = { streams: { 200: 'r1', 202: 'r2' }, port: [201] };
  expect(find(stats, given)).toEqual({ 200: ['stream'], 201: ['port'] });
  expect(find(stats, { ...given, on: { stream: false, port: false } })).toEqual({});
});

test('a session that main left does not bring in who carries another run’s mark', () => {
  const memory = { sessions: new Map([[100, 1000]]) };
  const stats = [stat(101, 1, 100, 1001), stat(102, 1, 100, 1001)];
  expect(find(stats, { memory, marks: { 102: MARK + 1 } })).toEqual({ 101: ['session'] });
});

describe('PI2: who has the pid and the start tick of a member', () => {
  const child = stat(101, 100, 101, 1001);
  const sessions = new Map([[100, 1000]]);

  test('is another if the member is known to have ended: neither he nor what he started is found', () => {
    expect(find([main, child], { memory: { sessions, groups: sessions, over: new Set(['100:1000']) } })).toEqual({});
  });

  test('brings no other in until something shows it again', () => {
    const unproven = new Set(['100:1000']);
    expect(find([main, child], { memory: { unproven } })).toEqual({ 100: ['main'] });
    expect(Object.keys(find([main, child], { memory: { unproven }, marks: { 100: MARK } }))).toEqual(['100', '101']);
    const keeper = stat(50, 1, 50, 10);
    const spawned = stat(100, 50, 100, 1000);
    const given = { memory: { unproven }, keepers: [50], cookies: { 50: 'daemon' } };
    expect(Object.keys(find([keeper, spawned, child], given))).toEqual(['100', '101']);
  });
});

describe('PI9: who says that he is detached', () => {
  const editor = stat(101, 100, 100, 1001);
  const itsShell = stat(102, 101, 102, 1002);

  test('is left alone with all below it, whatever it carries and whichever run remembers it', () => {
    const known = new Map([[101, { start: 1001, foundBy: new Set(['cgroup'] as const) }]]);
    const found = find([main, editor, itsShell], {
      detached: [101],
      cookies: { 101: 'r1' },
      marks: { 102: MARK },
      memory: { known },
    });
    expect(Object.keys(found)).toEqual(['100']);
  });

  test('belongs to the run all the same within its cgroup, and as its main', () => {
    expect(Object.keys(find([main, editor], { detached: [100, 101], cgroup: [101] }))).toEqual(['100', '101']);
    expect(Object.keys(find([main], { detached: [100] }))).toEqual(['100']);
  });
});
