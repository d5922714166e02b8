import { expect, test } from 'vitest';
import { isLiveState, parseStat } from './proc-stat.ts';

// Captured on Linux 6.18 (`cat /proc/PID/stat`), the names changed with prctl(PR_SET_NAME).
const rest =
  'S 4711 4712 4713 0 -1 4194560 1500 0 3 0 12 4 0 0 20 0 7 0 887123 734003200 11234 18446744073709551615 1 1 0 0 0 0 0 4096 134234626 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0';

test('reads the fields of an ordinary line', () => {
  expect(parseStat(`99 (node) ${rest}\n`)).toEqual({
    pid: 99,
    comm: 'node',
    state: 'S',
    ppid: 4711,
    pgrp: 4712,
    session: 4713,
    threads: 7,
    start: 887123,
    pages: 11234,
    cpu: 16,
    exiting: false,
    image: '0 0 0 0',
  });
});

test.each(['a b', ') R 1 (', '((sd-pam)', 'two\nlines', 'x) Z 1 1 1 0', '', 'ünï'])(
  'is not misled by a process named %j',
  (comm) => {
    expect(parseStat(`99 (${comm}) ${rest}\n`)).toMatchObject({ pid: 99, comm, state: 'S', ppid: 4711, start: 887123 });
  },
);

test.each(['', '99', '99 (node', '99 (node) ', 'x (node) S 1', `99 (node) ${rest.slice(0, 40)}`])(
  'refuses %j, which is not a stat line',
  (text) => {
    expect(parseStat(text)).toBeNull();
  },
);

test('a zombie is not alive, unless other threads of it still run', () => {
  expect(isLiveState({ state: 'Z', threads: 1 })).toBe(false);
  expect(isLiveState({ state: 'Z', threads: 0 })).toBe(false);
  expect(isLiveState({ state: 'Z', threads: 2 })).toBe(true);
  expect(isLiveState({ state: 'X', threads: 0 })).toBe(false);
  expect(isLiveState({ state: 'D', threads: 1 })).toBe(true);
  expect(isLiveState({ state: 'T', threads: 1 })).toBe(true);
});
