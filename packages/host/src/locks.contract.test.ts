import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Binding, loadSyscalls, withoutBinding } from './linux/syscalls.ts';
import { acquireLock, adoptLock, lockHolder } from './locks.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'reeve-locks-'));
  file = path.join(folder, 'x.lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

const off = withoutBinding('switched off');
const pairs: [string, Binding, Binding][] = [
  ['binding and binding', loadSyscalls(), loadSyscalls()],
  ['child and child', off, off],
  ['binding, then child', loadSyscalls(), off],
  ['child, then binding', off, loadSyscalls()],
];

describe.each(pairs)('%s', (_name, first, second) => {
  test('one holder at a time; the file stays, and tells who holds it', async () => {
    const held = await acquireLock(file, { binding: first, payload: 'since today' });
    expect(held).not.toBeNull();
    expect(await acquireLock(file, { binding: second })).toBeNull();
    expect(lockHolder(file)).toBe(process.pid);
    expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\nsince today`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { ino } = statSync(file);
    await held?.release();
    await held?.release();
    expect(lockHolder(file)).toBeNull();
    const next = await acquireLock(file, { binding: second });
    expect(next).not.toBeNull();
    expect(statSync(file).ino).toBe(ino);
    await next?.release();
  });
});

test('a holder in Python and a holder here see each other', async () => {
  const python =
    'import fcntl,sys\nf=open(sys.argv[1],"w")\nfcntl.flock(f,fcntl.LOCK_EX)\nprint("held",flush=True)\nsys.stdin.read()';
  const holder = spawn('python3', ['-c', python, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  expect(await acquireLock(file)).toBeNull();
  const ended = once(holder, 'exit');
  holder.kill('SIGKILL');
  await ended;
  const held = await acquireLock(file);
  expect(held).not.toBeNull();
  await held?.release();
});

describe('a lock that a child has inherited', () => {
  /** Shares the descriptor and says so; ends when its standard input does. */
  const heir = async (fd: number) => {
    const child = spawn('sh', ['-c', 'echo shared; exec cat >/dev/null'], { stdio: ['pipe', 'pipe', 'inherit', fd] });
    await once(child.stdout as Readable, 'data');
    const end = async () => {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    };
    return { end };
  };

  test('is held until both have let go, and given away without a moment in which it is free', async () => {
    const held = await acquireLock(file);
    const child = await heir(held?.fd ?? -1);
    held?.giveAway();
    expect(await acquireLock(file)).toBeNull();
    await held?.release(); // it is not ours any more: nothing is freed
    expect(await acquireLock(file)).toBeNull();
    await child.end();
    const next = await acquireLock(file);
    expect(next).not.toBeNull();
    await next?.release();
  });

  test('stays ours when the child dies; claimed again, it tells who holds it', async () => {
    const held = await acquireLock(file);
    const child = await heir(held?.fd ?? -1);
    writeFileSync(file, '4711\n');
    await child.end();
    expect(await acquireLock(file)).toBeNull();
    held?.claim();
    expect(lockHolder(file)).toBe(process.pid);
    await held?.release();
  });

  test('is adopted by its descriptor, and only if that is the very file', async () => {
    const fd = openSync(file, 'w+');
    expect(() => adoptLock(path.join(folder, 'x.lock'), fd + 1)).toThrow();
    writeFileSync(path.join(folder, 'other'), '');
    expect(() => adoptLock(path.join(folder, 'other'), fd)).toThrow(/is not/);
    const adopted = adoptLock(file, fd);
    expect(lockHolder(file)).toBe(process.pid);
    adopted.giveAway();
    const byChild = await acquireLock(file, { binding: off });
    expect(byChild?.fd).toBeNull(); // it cannot be inherited, and says so
    await byChild?.release();
  });
});

test('without the binding, too, the death of the holder frees the lock', async () => {
  const bundle = path.join(folder, 'holder.mjs'); // beside no node_modules: koffi is not found there
  const source = `import { acquireLock } from ${JSON.stringify(path.join(import.meta.dirname, 'locks.ts'))};
    const held = await acquireLock(process.argv[2]); console.log(held === null ? 'taken' : 'held'); setInterval(() => {}, 1e6);`;
  await build({
    stdin: { contents: source, resolveDir: folder },
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  const holder = spawn(process.execPath, [bundle, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  expect(String((await once(holder.stdout, 'data'))[0]).trim()).toBe('held');
  expect(await acquireLock(file)).toBeNull();
  expect(lockHolder(file)).toBe(holder.pid);
  const ended = once(holder, 'exit');
  holder.kill('SIGKILL');
  await ended;
  await expect
    .poll(async () => {
      const lock = await acquireLock(file);
      await lock?.release();
      return lock !== null;
    })
    .toBe(true);
});

test('a symbolic link is refused', async () => {
  symlinkSync('/etc/passwd', file);
  await expect(acquireLock(file)).rejects.toThrow(/ELOOP/);
});
