import '../base/no-inspector.ts';

import { closeSync, writeSync } from 'node:fs';
import { ReeveError } from '@reeve/contract';
import {
  acquireLock,
  after,
  enterCleanSession,
  lockHolder,
  outlastFormerHolders,
  prepareHome,
  type Timer,
} from '@reeve/host';
import { Beat } from '../base/beat.ts';
import { manager } from '../base/managed-by.ts';
import { surviveErrors } from '../base/survive-errors.ts';
import { DaemonWatch } from './daemon-watch.ts';
import { Foothold } from './foothold.ts';
import { closeInherited } from './inherited.ts';
import { Journal } from './journal/journal.ts';
import { Keeper } from './keeper.ts';
import { LogFolders } from './output/log-folders.ts';
import { KeeperServer } from './server.ts';

/** Exit code of a keeper that finds another one at work. */
const LOCKED = 5;
const READY_FD = 3;
/** How long a keeper with nothing to hold waits for a daemon. Milliseconds. */
const PATIENCE = 10_000;
const { REEVE_VERSION = 'unknown', REEVE_READY_FD: readyFd, REEVE_TRACKERS_OFF: off = '' } = process.env;

/** `keeper.js HOME`: started detached by the program that needs it first. One for each home: the lock decides. */
async function main(home: string): Promise<void> {
  process.umask(0o077);
  // What a unit sets for us is meant for what we start.
  if (manager() === null && !off.split(',').includes('clean-session')) enterCleanSession();
  closeInherited(readyFd === String(READY_FD) ? READY_FD : -1);
  delete process.env['NODE_V8_COVERAGE']; // Node would hand it on to services that did not ask for it
  const paths = prepareHome(home);
  const lock = await acquireLock(paths.keeperLock);
  if (lock === null) {
    report(`another keeper holds ${paths.keeperLock} (pid ${lockHolder(paths.keeperLock) ?? 'unknown'})`);
    process.exit(LOCKED);
  }
  await outlastFormerHolders(lock.path);
  const journal = new Journal(paths.journal, report);
  const beat = new Beat((error) => report(`a regular check failed: ${detailsOf(error)}`));
  const keeper = new Keeper({
    fifos: paths.fifos,
    sockets: paths.sockets,
    journal,
    folders: new LogFolders(report, beat),
    adopts: !off.split(',').includes('subreaper'),
    report,
  });
  const departure = new Departure(keeper);
  const server = new KeeperServer({
    keeper,
    journal,
    version: REEVE_VERSION,
    watch: new DaemonWatch(beat, report),
    report,
    leave: () => departure.ask(),
    stay: () => departure.cancel(),
    alone: () => departure.waitAlone(),
  });
  await server.listen(paths.keeperSocket);
  departure.isAlone = () => server.isAlone;
  departure.go = () => {
    void server.close().finally(() => process.exit(0));
  };
  const onReplaced = (): void => {
    report('another keeper is at work in this home: leaving what runs to it');
    process.exit(LOCKED);
  };
  new Foothold(lock, { paths, journal, server, report, onReplaced }, beat);
  departure.waitAlone();
  surviveErrors((error, message) => report(`${message}: ${detailsOf(error)}`));
  tellReady();
}

/**
 * It leaves when it was asked to and holds nothing, unless a daemon has connected since; and when it holds
 * nothing and no daemon has been there for a while: its daemon could not start, or was killed.
 */
class Departure {
  readonly #keeper: Keeper;
  #asked = false;
  #timer: Timer | null = null;
  go: () => void = () => undefined;
  isAlone: () => boolean = () => false;

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
    keeper.onIdle = () => {
      if (this.#asked) setImmediate(() => this.#leave());
      else this.waitAlone();
    };
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGPIPE'] as const) process.on(signal, () => undefined);
    process.on('SIGTERM', () => void (keeper.idle && this.ask()));
  }

  ask(): boolean {
    this.#asked = true;
    const { idle } = this.#keeper;
    if (idle) setImmediate(() => this.#leave());
    return idle;
  }

  /** Looks again in a while; does nothing where there is a daemon, or something to hold. */
  waitAlone(): void {
    if (this.#timer !== null || !this.#keeper.idle || !this.isAlone()) return;
    this.#timer = after(PATIENCE, () => {
      this.#timer = null;
      if (this.#keeper.idle && this.isAlone()) this.go();
    });
  }

  cancel(): void {
    this.#asked = false;
  }

  #leave(): void {
    if (this.#asked && this.#keeper.idle) this.go();
  }
}

function tellReady(): void {
  if (readyFd !== String(READY_FD)) return;
  try {
    writeSync(READY_FD, 'ready\n');
    closeSync(READY_FD);
  } catch (error) {
    report(`the launcher has already gone: ${(error as Error).message}`);
  }
}

function report(message: string): void {
  try {
    writeSync(2, `${new Date().toISOString()} ${message}\n`);
  } catch {
    // its log cannot be written (full disk): work goes on
  }
}

const [, , home] = process.argv;
if (home === undefined) {
  report('usage: keeper HOME');
  process.exit(2);
}
main(home).catch((error: unknown) => {
  report(error instanceof ReeveError ? `${error.message} (${error.hint})` : detailsOf(error));
  process.exit(1);
});

function detailsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
