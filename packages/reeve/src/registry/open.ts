import { closeSync, openSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ReeveError } from '@reeve/contract';
import type { Registry } from '../core/registry.ts';
import { Connection } from './connection.ts';
import type { RegistryClock } from './context.ts';
import { type Database, type Driver, loadDriver } from './driver.ts';
import { explain } from './failure.ts';
import { prepareFile } from './file.ts';
import { inspectBeforeWriting, refuseForeign } from './inspect.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import { OwnFile } from './own-file.ts';
import { registryOver } from './registry.ts';
import { setAside } from './set-aside.ts';

export { openRegistryReadonly } from './open-readonly.ts';

export interface OpenOptions {
  readonly file: string;
  readonly clock?: RegistryClock;
  /** Default: {@link loadDriver}. */
  readonly driver?: Driver;
  /** For tests of migrations. */
  readonly migrations?: readonly Migration[];
  readonly onStep?: (version: number, statement: number) => void;
}

/** While it serves, a lock of another process may hold the event loop up by this much and no more. Milliseconds. */
const WAIT_SERVING = 20;
/** Before it serves: a reader that recovers the WAL of a crashed daemon is waited for. */
const WAIT_OPENING = 3000;
/** Pages of 4 KiB after which the WAL is moved into the file, and what is kept of the WAL's file then. */
const SETTINGS = `
  PRAGMA foreign_keys = ON;
  PRAGMA trusted_schema = OFF;
  PRAGMA recursive_triggers = ON;
  PRAGMA temp_store = MEMORY;
  PRAGMA wal_autocheckpoint = 1000;
  PRAGMA journal_size_limit = 4194304;`;

const systemClock: RegistryClock = {
  now: () => Date.now(),
  monotonic: () => Number(process.hrtime.bigint() / 1_000_000n),
};

/** Files that this process writes: two connections that write would fight over one lock. */
const openFiles = new Set<string>();

/** The registry of the one daemon that writes it. */
export interface OwnRegistry extends Registry {
  /** What has happened to its file behind our back, as the end of "the registry …"; null: nothing. */
  misplaced(): string | null;
  /**
   * Puts a new file in the place of one that is misplaced; what lies there is set aside. Where our connection still has
   * the old content, that is kept. The caller writes down what it knows.
   */
  beginAnew(): Renewed;
}
export interface Renewed {
  /** The new name of what lay there; null: nothing did. */
  readonly aside: string | null;
  readonly isHistoryKept: boolean;
}

/** As {@link openRegistry}; a file that is damaged is set aside, and a new one begun. */
export function openOrBeginAnew(options: OpenOptions): {
  readonly registry: OwnRegistry;
  /** null: the file was in order. */
  readonly damage: { readonly why: string; readonly aside: string | null } | null;
} {
  try {
    return { registry: openRegistry(options), damage: null };
  } catch (error) {
    if (!(error instanceof ReeveError && error.code === 'REGISTRY_DAMAGED')) throw error;
    const aside = setAside(options.file, (options.clock ?? systemClock).now());
    return { registry: openRegistry(options), damage: { why: error.message, aside } };
  }
}

/**
 * Opens the registry for the one daemon that writes it; makes it (0600) where it is missing and brings its schema up to
 * date. Throws REGISTRY_DAMAGED (nothing is changed then), REGISTRY_NEWER, REGISTRY_BUSY, REGISTRY_UNUSABLE, DISK_FULL,
 * REGISTRY_DRIVER; a bug when this process already has it open.
 */
export function openRegistry(options: OpenOptions): OwnRegistry {
  const driver = options.driver ?? loadDriver();
  const clock = options.clock ?? systemClock;
  const file = claim(options.file);
  try {
    prepareFile(file);
    let wait = WAIT_OPENING;
    const open = (): Database => {
      const database = openWriter(file, driver, clock, { ...options, wait });
      // Opened again after a disk failure it serves already.
      wait = WAIT_SERVING;
      return database;
    };
    const connection = new Connection({ file, isReadonly: false, open, place: new OwnFile(file) });
    return {
      ...registryOver({ connection, clock }, () => openFiles.delete(file)),
      misplaced: () => connection.misplaced?.why ?? null,
      beginAnew: () => beginAnew(connection, file, clock),
    };
  } catch (error) {
    openFiles.delete(file);
    throw explain(error, file, 'open');
  }
}

const DRAFT = '.anew';

function beginAnew(connection: Connection, file: string, clock: RegistryClock): Renewed {
  const draft = `${file}${DRAFT}`;
  rmSync(draft, { force: true });
  let aside: string | null = null;
  let isHistoryKept = false;
  const makeWay = (from: Database): void => {
    isHistoryKept = connection.misplaced?.isWhole === true && copyTo(from, draft);
    aside = setAside(file, clock.now());
  };
  const put = (): void => {
    if (isHistoryKept) renameSync(draft, file);
    else prepareFile(file);
  };
  connection.replace(makeWay, put);
  return { aside, isHistoryKept };
}

/** false: it cannot be read to its end. */
function copyTo(from: Database, draft: string): boolean {
  try {
    closeSync(openSync(draft, 'wx', 0o600));
    from.exec(`VACUUM INTO '${draft.replaceAll("'", "''")}'`);
    return true;
  } catch {
    rmSync(draft, { force: true });
    return false;
  }
}

type WriterOptions = OpenOptions & { readonly wait: number };

function openWriter(file: string, driver: Driver, clock: RegistryClock, options: WriterOptions): Database {
  const migrations = options.migrations ?? MIGRATIONS;
  inspectBeforeWriting(file, driver, migrations, options.wait);
  let database: Database | null = null;
  try {
    database = driver.open(file, { readonly: false, wait: options.wait });
    refuseForeign(database, file, migrations);
    useWal(database, file);
    database.exec(SETTINGS);
    const { onStep } = options;
    migrate(database, { file, migrations, now: () => clock.now(), ...(onStep ? { onStep } : {}) });
    database.exec(`PRAGMA busy_timeout = ${WAIT_SERVING}`);
    return database;
  } catch (error) {
    database?.close();
    throw explain(error, file, 'open');
  }
}

function useWal(database: Database, file: string): void {
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode'];
  if (mode === 'wal') return;
  const why = `its file system does not let processes share memory (SQLite answers "${String(mode)}" to WAL)`;
  const hint = 'put the home on a local disk: --home DIR, or REEVE_HOME=DIR';
  throw new ReeveError('REGISTRY_UNUSABLE', { file, doing: 'open', why, hint });
}

/** Its real path, taken for this process. */
function claim(given: string): string {
  let file: string;
  try {
    file = join(realpathSync(dirname(given)), basename(given));
  } catch (error) {
    throw explain(error, given, 'open');
  }
  if (openFiles.has(file)) throw new Error(`this process already has the registry ${file} open`);
  openFiles.add(file);
  return file;
}
