import { expect, test } from 'vitest';
import { oomKills } from './oom.ts';

test('a cgroup tells how many of its processes the kernel has ended for memory', () => {
  // The form of Documentation/admin-guide/cgroup-v2.rst (Linux 6.1).
  const events = (kills: number) => `low 0\nhigh 0\nmax 12\noom 1\noom_kill ${kills}\noom_group_kill 0\n`;
  expect(oomKills(events(0))).toBe(0);
  expect(oomKills(events(2))).toBe(2);
  expect(oomKills('')).toBe(0);
});
