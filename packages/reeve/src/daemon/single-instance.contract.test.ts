import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { expect, test } from 'vitest';
import { takeDaemonLock } from './single-instance.ts';

test('a home has one daemon: the second learns who the first is, and may follow it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'reeve-lock-'));
  const paths = { home, daemonLock: join(home, 'daemon.lock') };
  try {
    const first = await takeDaemonLock(paths);
    const error: unknown = await takeDaemonLock(paths).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ReeveError);
    expect(error).toMatchObject({ code: 'DAEMON_RUNNING', exit: 5, params: { home, pid: process.pid } });
    await first.release();
    await using second = await takeDaemonLock(paths);
    expect(second.path).toBe(paths.daemonLock);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
