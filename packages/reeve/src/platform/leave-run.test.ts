import { expect, test } from 'vitest';
import { aroundRuns } from './leave-run.ts';

test.each([
  ['/reeve-0123abcd/0123456789ab.f00d', '/'],
  ['/user.slice/reeve-0123abcd/0123456789ab.f00d', '/user.slice'],
  ['/a/reeve-0123abcd/0123456789ab.f00d/below', '/a'],
  ['/a/reeve-0123abcd/0123456789ab.f00d/reeve-0123abcd/0123456789ab.beef', '/a'],
  ['/a/reeve-0123abcd', null],
  ['/a/reeve-mine/0123456789ab.f00d', null],
  ['/', null],
])('%s lies in %s', (cgroup, around) => {
  expect(aroundRuns(cgroup)).toBe(around);
});
