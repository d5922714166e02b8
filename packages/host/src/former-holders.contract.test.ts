import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formerHolders, outlastFormerHolders } from './former-holders.ts';
import { isSame } from './linux/identity.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'reeve-former-')));
  file = path.join(folder, 'x.lock');
  writeFileSync(file, '');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Holds the file open; ignores everything but SIGKILL, as a process that hangs does. */
async function holder() {
  const program = `require('fs').openSync(${JSON.stringify(file)}); process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6); console.log('open')`;
  const child = spawn(process.execPath, ['-e', program, 'reeve'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout as Readable, 'data');
  return child;
}

test('U21: who holds a lock that was removed or replaced is known, and who holds the present one is not', async () => {
  const child = await holder();
  try {
    expect(formerHolders(file)).toEqual([]);
    rmSync(file);
    expect(formerHolders(file)).toMatchObject([{ pid: child.pid }]);
    writeFileSync(file, '');
    expect(formerHolders(file)).toMatchObject([{ pid: child.pid }]);
  } finally {
    child.kill('SIGKILL');
  }
});

test('U21: a former holder that hangs is ended before anything is done in its place', async () => {
  const child = await holder();
  child.kill('SIGSTOP');
  rmSync(file);
  const former = await outlastFormerHolders(file);
  expect(former).toMatchObject([{ pid: child.pid }]);
  expect(former.some(isSame)).toBe(false);
}, 15_000);
