import { expect, test } from 'vitest';
import { kinOf, lineageOf } from './kin.ts';
import type { Stat } from './proc-stat.ts';

const stat = (pid: number, ppid: number, session = 1, start = pid): Stat => ({
  pid,
  comm: 'x',
  state: 'S',
  ppid,
  pgrp: session,
  session,
  exiting: false,
  threads: 1,
  start,
  pages: 1,
  cpu: 0,
  image: '',
});
const pids = (found: ReturnType<typeof kinOf>) => found.map((each) => `${each.stat.pid} ${each.by}`).sort();
const nobody = () => false;

test('descendants, and those who share the session that one of them leads', () => {
  const live = [stat(10, 1, 10), stat(11, 10, 10), stat(12, 11, 12), stat(13, 1, 12), stat(14, 1, 10), stat(20, 1)];
  expect(pids(kinOf([{ pid: 10, start: 10 }], live, nobody))).toEqual([
    '11 tree',
    '12 tree',
    '13 session',
    '14 session',
  ]);
});

test('a process with the same number and another start is not meant', () => {
  expect(kinOf([{ pid: 10, start: 9 }], [stat(10, 1), stat(11, 10)], nobody)).toEqual([]);
});

test('a child that is older than its parent is not its child: the parent has a reused pid', () => {
  expect(kinOf([{ pid: 10, start: 10 }], [stat(10, 1), stat(11, 10, 1, 5)], nobody)).toEqual([]);
});

test('a spared process protects its descendants', () => {
  const live = [stat(10, 1), stat(11, 10), stat(12, 11), stat(13, 10)];
  expect(pids(kinOf([{ pid: 10, start: 10 }], live, ({ pid }) => pid === 11))).toEqual(['13 tree']);
});

test('the members of a session whose leader has ended, unless its number is another’s now', () => {
  const sessions = new Map([[10, 10]]);
  expect(pids(kinOf([], [stat(12, 1, 10)], nobody, sessions))).toEqual(['12 session']);
  expect(kinOf([], [stat(10, 1, 10, 50), stat(52, 10, 10)], nobody, sessions)).toEqual([]);
});

test('the lineage of a process ends at the top, also of a table that goes round', () => {
  expect([...lineageOf(12, [stat(1, 0), stat(10, 1), stat(12, 10)])]).toEqual([12, 10, 1]);
  expect([...lineageOf(12, [stat(12, 13), stat(13, 12)])]).toEqual([12, 13]);
});
