import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { DAEMON_MARK, ReeveError } from '@reeve/contract';
import { after, openToAppend, prepareHome } from '@reeve/host';

/** Exit code of a keeper that finds another one at work. */
const LOCKED = 5;
/** A keeper is ready within some 100 ms; on a machine that swaps it takes longer. */
const DEADLINE = 15_000;
/** Nothing of these may reach the keeper: it would run other code than its own. */
const NOT_INHERITED = ['NODE_OPTIONS', 'NODE_V8_COVERAGE', 'LD_PRELOAD', 'NOTIFY_SOCKET'];

export interface KeeperStart {
  readonly home: string;
  /** The program and its first arguments; the home is added. */
  readonly program: readonly string[];
  readonly version: string;
}

/**
 * Starts a keeper in a session of its own and resolves when it listens (`started`), or when it has found another one
 * at work (`held`). Its complaints go to `$HOME/keeper/keeper.log`. Throws SPAWN_FAILED with the last of them.
 */
export async function startKeeper({ home, program, version }: KeeperStart): Promise<'started' | 'held'> {
  const log = path.join(prepareHome(home).keeper, 'keeper.log');
  const fd = openToAppend(log);
  const [command = '', ...args] = program;
  const from = statSync(log).size;
  try {
    const child = spawn(command, [...args, path.resolve(home)], {
      cwd: '/',
      detached: true,
      env: environment(version),
      stdio: ['ignore', fd, fd, 'pipe'],
    });
    return await ready(child, () => complaint(log, from));
  } finally {
    closeSync(fd);
  }
}

function environment(version: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.includes(name));
  return { ...Object.fromEntries(kept), [DAEMON_MARK]: '1', REEVE_READY_FD: '3', REEVE_VERSION: version };
}

function ready(child: ChildProcess, complaint: () => string): Promise<'started' | 'held'> {
  const told = child.stdio[3] as Readable;
  const command = child.spawnargs.join(' ');
  return new Promise<'started' | 'held'>((resolve, reject) => {
    const refuse = (why: string, cause?: unknown) =>
      reject(new ReeveError('SPAWN_FAILED', { command, why }, { cause }));
    const timer = after(DEADLINE, () => refuse(`it was not ready after ${DEADLINE / 1000} s`));
    child.once('error', (error) => refuse(error.message, error));
    child.once('exit', (code, signal) => {
      timer.cancel();
      if (code === LOCKED) resolve('held');
      else refuse(complaint() || `it ended with ${signal ?? code}`);
    });
    told.once('data', () => {
      timer.cancel();
      resolve('started');
    });
    told.on('error', () => undefined); // it ended: 'exit' says how
  }).finally(() => {
    told.destroy();
    child.removeAllListeners('exit');
    child.unref();
  });
}

/** What it has written since it was started. */
function complaint(log: string, from: number): string {
  return readFileSync(log).subarray(from).toString('utf8').trim().slice(-1000);
}
