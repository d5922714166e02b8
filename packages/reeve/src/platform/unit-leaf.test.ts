import { expect, test } from 'vitest';
import { aroundLeaf } from './unit-leaf.ts';

test.each([
  ['/system.slice/reeve.service/daemon', '/system.slice/reeve.service'],
  [
    '/user.slice/user-1000.slice/user@1000.service/app.slice/reeve.service/daemon',
    '/user.slice/user-1000.slice/user@1000.service/app.slice/reeve.service',
  ],
  ['/system.slice/reeve.service', '/system.slice/reeve.service'],
  ['/user.slice/session-3.scope', '/user.slice/session-3.scope'],
  ['/daemon', '/daemon'],
  ['/', '/'],
])('runs of a daemon in %s belong in %s', (own, around) => {
  expect(aroundLeaf(own)).toBe(around);
});
