import type { Stat } from '@reeve/host';
import { expect, test } from 'vitest';
import { foundRuns } from './found-runs.ts';
import { indexSnapshot } from './proc-scan.ts';
import type { Traits } from './process-marks.ts';

const MARK = 2 ** 52 + 1;
/** Above the largest pid of Linux: no process of this machine is looked at. */
const [DETACHED, CHILD, OTHER] = [5_000_001, 5_000_002, 5_000_003];
const none: Traits = {
  cookie: null,
  mark: null,
  stream: null,
  owner: null,
  isKeeper: false,
  isDetached: false,
  carried: null,
};

function stat(pid: number, ppid: number, exiting = false): Stat {
  const blank = { comm: 'x', state: 'S', threads: 1, pages: 1, cpu: 0, exiting, image: '' };
  return { ...blank, pid, ppid, pgrp: pid, session: pid, start: pid };
}

test('U21: what a detached process has started is left alone with it, also when it has kept nothing but the limit mark', () => {
  const stats = [stat(DETACHED, 1), stat(CHILD, DETACHED), stat(OTHER, 1)];
  const traits: Record<number, Traits> = {
    [DETACHED]: { ...none, cookie: 'a', isDetached: true },
    [CHILD]: { ...none, mark: MARK },
    [OTHER]: { ...none, mark: MARK },
  };
  const snapshot = indexSnapshot(0, stats, (pid) => traits[pid] ?? none);
  const found = foundRuns(snapshot, '/home', 'reeve-none', { mark: true });
  expect(found.map(({ run, main }) => [run, main.pid])).toEqual([[`mark-${MARK}`, OTHER]]);
});

test('U21: a process that is just ending is not taken for one that has kept its limit mark alone', () => {
  const snapshot = indexSnapshot(0, [stat(OTHER, 1, true)], () => ({ ...none, mark: MARK }));
  expect(foundRuns(snapshot, '/home', 'reeve-none', { mark: true })).toEqual([]);
});
