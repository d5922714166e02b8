import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acquireLock } from '../locks.ts';
import { lockHolders, parseLocks } from './lock-holders.ts';

test('U29: the holder of a lock file is known by the kernel', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rv-lock-'));
  const file = join(folder, 'a.lock');
  const lock = await acquireLock(file);
  expect(lockHolders()(file)).toBe(process.pid);
  await lock?.release();
  expect(lockHolders()(file)).toBeNull();
  rmSync(folder, { recursive: true });
  expect(lockHolders()(file)).toBeNull();
});

test('only exclusive flock(2) locks count', () => {
  const text =
    '1: FLOCK  ADVISORY  WRITE 12 fe:00:34 0 EOF\n2: POSIX  ADVISORY  WRITE 13 fe:00:35 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 14 fe:00:36 0 EOF\n';
  expect([...parseLocks(text)]).toEqual([['254:0:34', 12]]);
});
