import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { type Binding, loadSyscalls } from './linux/syscalls.ts';

/** A lock that the kernel gives back when its holder ends, however it ends. */
export interface Lock extends AsyncDisposable {
  readonly path: string;
  release(): Promise<void>;
}
export interface LockOptions {
  /** Written into the file after our pid, for people and messages. */
  readonly payload?: string;
  readonly binding?: Binding;
}

/**
 * Takes flock(2) on a file without waiting; null: somebody else holds it. The file is made (0600) and never unlinked:
 * a lock on an unlinked file would exclude nobody. Without the binding a child `flock` holds it for us.
 * Throws the ErrnoException of open(2) (a symbolic link gives ELOOP) or of flock(2).
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<Lock | null> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600); // Node adds O_CLOEXEC: no child inherits the lock
  const unlock = await take(fd, path, options.binding ?? loadSyscalls()).catch((error: unknown) => {
    closeSync(fd);
    throw error;
  });
  if (unlock === null) {
    closeSync(fd);
    return null;
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n${options.payload ?? ''}`, 0);
  return lockOf(path, fd, unlock);
}

/** The pid that the holder wrote, for messages only: it may be stale. null: none is readable. */
export function lockHolder(path: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

function lockOf(path: string, fd: number, unlock: () => Promise<void>): Lock {
  let released: Promise<void> | null = null;
  const release = () => {
    released ??= (async () => {
      ftruncateSync(fd); // while we still hold it: a later holder's pid is never wiped
      await unlock();
      closeSync(fd);
    })();
    return released;
  };
  return { path, release, [Symbol.asyncDispose]: release };
}

type Unlock = () => Promise<void>;

async function take(fd: number, path: string, binding: Binding): Promise<Unlock | null> {
  if (!binding.available) return takeByChild(path);
  const { calls } = binding;
  if (!calls.flock(fd, 'exclusive-nonblocking')) return null;
  return async () => void calls.flock(fd, 'unlock');
}

/**
 * `flock -n FILE cat`, held while its standard input is open: our death closes the pipe, and the lock is free. In its
 * own session, so that a Ctrl-C on our terminal does not reach it.
 */
async function takeByChild(path: string): Promise<Unlock | null> {
  const child = spawn('flock', ['-n', path, 'sh', '-c', 'echo held && exec cat >/dev/null'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const ended = once(child, 'close');
  const first = await Promise.race([once(child.stdout, 'data'), ended]);
  if (Buffer.isBuffer(first[0])) {
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();
    return async () => {
      child.stdin.end();
      child.ref();
      await ended;
    };
  }
  if (child.exitCode === 1 && complaint === '') return null;
  throw new Error(`cannot lock ${path}: flock ended with ${child.exitCode}${complaint && `: ${complaint.trim()}`}`);
}
