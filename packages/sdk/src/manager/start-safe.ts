import { type SpawnOptions, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type ProcessIdentity, ReeveError, type ServiceCard } from '@reeve/contract';
import {
  acquireLock,
  cwdOf,
  identify,
  isLiveState,
  isSame,
  type Lock,
  pause,
  prepareFolder,
  scanProcesses,
} from '@reeve/host';
import { listCards, livenessOf } from '../service/cards.ts';
import { findProject, type PlaceOptions } from '../service/place.ts';
import { withoutMark } from './ownership.ts';

/** How a command is started. */
export interface StartOptions extends Pick<PlaceOptions, 'home' | 'cwd'> {
  /** Refuse a second copy: the same program with the same arguments, working folder and user. Default true. */
  readonly checkExisting?: boolean;
  /** Added to the environment of this program. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What Node's `spawn` takes. Default `ignore`. It continues when this program ends. */
  readonly stdio?: SpawnOptions['stdio'];
}
/** Whether it was started; `already_running` has the pid of the copy, `failed` says why. */
export type StartResult =
  | { readonly ok: true; readonly reason: 'done'; readonly pid: number }
  | { readonly ok: false; readonly reason: 'already_running'; readonly pid: number; readonly message: string }
  | { readonly ok: false; readonly reason: 'failed'; readonly pid: null; readonly message: string };

/** Two that start the same at the same moment wait for each other. Milliseconds. */
const TURN = 5000;

/**
 * Starts a command that outlives this program, unless a copy of it is already running, whose pid is then returned. A text is
 * handed to `/bin/sh -c`, a list is argv. Throws USAGE for no command, TIMED_OUT when another start of the same hangs.
 */
export async function startServiceSafe(
  command: string | readonly string[],
  options: StartOptions = {},
): Promise<StartResult> {
  const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const words = typeof command === 'string' ? command : command.join(' ');
  if (words.trim() === '') throw new ReeveError('USAGE', { message: 'there is no command to start' });
  const cwd = realpathSync(options.cwd ?? process.cwd());
  if (options.checkExisting === false) return launch(argv, cwd, options);
  const turn = await takeTurn(words, cwd, options);
  try {
    const record = join((await findProject(options)).run, `start-${keyOf(words, cwd)}.json`);
    const pid = findStarted(record) ?? findCopy(words, cwd) ?? (await findTitled(words, cwd, options));
    if (pid === null) return remember(record, await launch(argv, cwd, options));
    return { ok: false, reason: 'already_running', pid, message: `${words} is already running (pid ${pid})` };
  } finally {
    await turn.release();
  }
}

/** What an earlier call has started, whatever a shim (pyenv, nvm, uv, env) has made of its command line since. */
function findStarted(record: string): number | null {
  try {
    const started = JSON.parse(readFileSync(record, 'utf8')) as ProcessIdentity;
    const row = scanProcesses().find(({ pid }) => pid === started.pid);
    return row !== undefined && isLiveState(row) && isSame(started) ? row.pid : null;
  } catch {
    return null; // nothing was started, or it cannot be read: the processes tell
  }
}

function remember(record: string, result: StartResult): StartResult {
  const identity = result.ok ? identify(result.pid) : null;
  try {
    if (identity !== null) writeFileSync(record, JSON.stringify(identity), { mode: 0o600 });
  } catch {
    // a full disk: the command line must do
  }
  return result;
}

/** The oldest process that runs this in this folder; its own quotes are gone from a command line. */
function findCopy(words: string, cwd: string): number | null {
  const wanted = resolved(plain(words).split(' '), cwd);
  const uid = process.geteuid?.();
  const copies = scanProcesses()
    .filter((row) => isLiveState(row) && row.uid === uid && row.pid !== process.pid)
    .filter(({ command }) => resolved(plain(command).split(' '), cwd) === wanted)
    .filter(({ pid }) => cwdOf(pid) === cwd)
    .sort((a, b) => a.start - b.start);
  return copies[0]?.pid ?? null;
}

/** One that has given itself a title has no command line any more: its card still tells what it was started as. */
async function findTitled(words: string, cwd: string, options: StartOptions): Promise<number | null> {
  const { run } = await findProject(options);
  const wanted = resolved(plain(words).split(' '), cwd);
  const isCopy = (card: ServiceCard) => card.cwd === cwd && resolved(card.argv, cwd) === wanted;
  return listCards(run).find((card) => livenessOf(card) === 'live' && isCopy(card))?.pid ?? null;
}

/** What runs, not how it was called: programs by their name without a version, files by their path, no `env`, no shell. */
function resolved(words: readonly string[], cwd: string): string {
  const [program = '', ...rest] = called(words);
  const files = rest.map((word) => (existsSync(resolve(cwd, word)) ? resolve(cwd, word) : word));
  return [basename(program).replace(/(?<=[a-z])-?[\d.]+$/, ''), ...files].join(' ');
}

/** Without what only leads to the program: `sh -c`, `env NAME=value`. */
function called(words: readonly string[]): readonly string[] {
  const [first = '', ...rest] = words;
  if (basename(first) === 'sh' && rest[0] === '-c') return called(rest.slice(1));
  if (basename(first) !== 'env') return words;
  const at = rest.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  return at < 0 || rest[at]?.startsWith('-') ? words : called(rest.slice(at));
}

function plain(words: string): string {
  return words
    .replace(/["'\\]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

async function launch(
  [file = '', ...args]: readonly string[],
  cwd: string,
  { env, stdio = 'ignore' }: StartOptions,
): Promise<StartResult> {
  const child = spawn(file, args, { cwd, stdio, detached: true, env: { ...withoutMark(process.env), ...env } });
  try {
    await once(child, 'spawn');
  } catch (error) {
    return { ok: false, reason: 'failed', pid: null, message: `cannot start ${file}: ${(error as Error).message}` };
  }
  child.unref();
  return { ok: true, reason: 'done', pid: child.pid ?? 0 };
}

function keyOf(words: string, cwd: string): string {
  return createHash('sha256').update(`start\0${cwd}\0${words}`).digest('hex').slice(0, 12);
}

async function takeTurn(words: string, cwd: string, options: StartOptions): Promise<Lock> {
  const { home, run } = await findProject(options);
  prepareFolder(home, 'no-other-writes');
  prepareFolder(run, 'no-other-enters');
  const end = performance.now() + TURN;
  for (;;) {
    const lock = await acquireLock(join(run, `start-${keyOf(words, cwd)}.lock`));
    if (lock) return lock;
    if (performance.now() > end)
      throw new ReeveError('TIMED_OUT', { message: `another start of "${words}" does not end` });
    await pause(10);
  }
}
