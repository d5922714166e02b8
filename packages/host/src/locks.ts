import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { type Binding, loadSyscalls } from './linux/syscalls.ts';

/** A lock that the kernel gives back when its holder ends, however it ends. */
export interface Lock extends AsyncDisposable {
  readonly path: string;
  /** What a child inherits to share it; null where only a helper program can hold it (no binding). */
  readonly fd: number | null;
  release(): Promise<void>;
  /** Whether {@link path} still names the file that is locked: once it is removed or replaced, others take another one. */
  isInPlace(): boolean;
  /** Writes our pid into it again: the process that was to inherit it wrote its own, and has ended. */
  claim(): void;
  /** Forgets it without freeing it: the process that has inherited {@link fd} is the only holder from now on. */
  giveAway(): void;
}
export interface LockOptions {
  /** Written into the file after our pid, for people and messages. */
  readonly payload?: string;
  readonly binding?: Binding;
}

/**
 * Takes flock(2) on a file without waiting; null: another process holds it. The file is made (0600) and never unlinked:
 * a lock on an unlinked file would exclude no process. Without the binding a child `flock` holds it for us.
 * Throws the ErrnoException of open(2) (a symbolic link gives ELOOP) or of flock(2).
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<Lock | null> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600); // Node adds O_CLOEXEC: no child inherits the lock
  const binding = options.binding ?? loadSyscalls();
  const unlock = await take(fd, path, binding).catch((error: unknown) => {
    closeSync(fd);
    throw error;
  });
  if (unlock === null) {
    closeSync(fd);
    return null;
  }
  writeHolder(fd, options.payload);
  return lockOf(path, fd, unlock, binding.available);
}

/**
 * A lock that this process has inherited as an open descriptor: it is held by both until one of them lets go, and at no
 * moment by no process. Throws when the descriptor is not an open `path`.
 */
export function adoptLock(path: string, fd: number, options: LockOptions = {}): Lock {
  const [here, there] = [fstatSync(fd), statSync(path)];
  if (here.ino !== there.ino || here.dev !== there.dev) throw new Error(`descriptor ${fd} is not ${path}`);
  const binding = options.binding ?? loadSyscalls();
  if (!binding.available) throw new Error(`no lock can be inherited: ${binding.why}`);
  const { calls } = binding;
  writeHolder(fd, options.payload);
  return lockOf(path, fd, async () => void calls.flock(fd, 'unlock'));
}

function writeHolder(fd: number, payload = ''): void {
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n${payload}`, 0);
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

function lockOf(path: string, fd: number, unlock: () => Promise<void>, isOurs = true): Lock {
  let released: Promise<void> | null = null;
  const giveAway = () => {
    if (released) return;
    released = Promise.resolve();
    closeSync(fd);
  };
  const release = () => {
    released ??= (async () => {
      ftruncateSync(fd); // while we still hold it: a later holder's pid is never wiped
      await unlock();
      closeSync(fd);
    })();
    return released;
  };
  const claim = () => writeHolder(fd);
  const { ino, dev } = fstatSync(fd);
  const isInPlace = () => {
    const now = statSync(path, { throwIfNoEntry: false });
    return now?.ino === ino && now.dev === dev;
  };
  return { path, fd: isOurs ? fd : null, release, isInPlace, claim, giveAway, [Symbol.asyncDispose]: release };
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
