import { expect, test } from 'vitest';
import { parseCgroupMount } from './cgroups.ts';

// Captured: a hybrid machine (Linux 6.18), a unified one (Debian 12), a container without a cgroup namespace.
const hybrid = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
const unified =
  '30 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n';
const container = '812 805 0:26 /docker/3f4e /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n';

test('the v2 hierarchy is found wherever it is mounted', () => {
  expect(parseCgroupMount(hybrid)).toEqual({ point: '/sys/fs/cgroup/unified', root: '/' });
  expect(parseCgroupMount(unified)).toEqual({ point: '/sys/fs/cgroup', root: '/' });
  expect(parseCgroupMount(container)).toEqual({ point: '/sys/fs/cgroup', root: '/docker/3f4e' });
});

test('blanks in the mount point are read', () => {
  expect(parseCgroupMount('1 2 0:3 / /my\\040cgroups rw - cgroup2 x rw\n')?.point).toBe('/my cgroups');
});

test('a machine with v1 only has none', () => {
  expect(parseCgroupMount(hybrid.split('\n').slice(0, 2).join('\n'))).toBeNull();
  expect(parseCgroupMount('')).toBeNull();
});
