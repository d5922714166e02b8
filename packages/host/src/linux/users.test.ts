import { expect, test } from 'vitest';
import { parseGroup, parsePasswd, textOf } from './users.ts';

test('entries are read; comments, NIS lines and broken ones are passed over', () => {
  const text =
    'root:x:0:0:root:/root:/bin/bash\n# a comment\n+::::::\n-bad:x:1:1:::\npostgres:x:104:112:PostgreSQL:/var/lib/postgresql:\nnoids:x:::::\n';
  expect(parsePasswd(text)).toEqual([
    { name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/bash' },
    { name: 'postgres', uid: 104, gid: 112, home: '/var/lib/postgresql', shell: '/bin/sh' },
  ]);
});

test('groups are read by name and number', () => {
  expect(parseGroup('root:x:0:\nssl-cert:x:110:postgres\nbroken\n')).toEqual([
    { name: 'root', gid: 0 },
    { name: 'ssl-cert', gid: 110 },
  ]);
});

test('U36: a user database that cannot be read has no users', () => {
  expect(textOf('/proc/self/mem')).toBe('');
  expect(textOf('/no/such/passwd')).toBe('');
});
