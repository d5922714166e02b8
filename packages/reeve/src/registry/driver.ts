import { createRequire } from 'node:module';
import { ReeveError } from '@reeve/contract';

/** What SQLite gives and takes, as both drivers do. */
export type SqlValue = null | number | bigint | string | Uint8Array;
export type SqlRow = Readonly<Record<string, unknown>>;

/** The part of `node:sqlite`'s StatementSync that the registry uses. */
export interface Statement {
  run(...values: readonly SqlValue[]): { readonly changes: number | bigint };
  get(...values: readonly SqlValue[]): SqlRow | undefined;
  all(...values: readonly SqlValue[]): readonly SqlRow[];
}
/** The part of `node:sqlite`'s DatabaseSync that the registry uses. */
export interface Database {
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}
interface SqliteModule {
  readonly DatabaseSync: new (
    place: string | URL,
    options?: { readonly readOnly?: boolean; readonly timeout?: number },
  ) => Database;
}

export const DRIVER_NAMES = ['node:sqlite', '@photostructure/sqlite'] as const;
export type DriverName = (typeof DRIVER_NAMES)[number];
export interface Driver {
  readonly name: DriverName;
  /** Version of SQLite inside. */
  readonly sqlite: string;
  /** `wait`: how long a statement may block on another process's lock, in ms. */
  open(place: string | URL, options: { readonly readonly: boolean; readonly wait: number }): Database;
}

/** Older ones can lose committed rows when a checkpoint meets a restart of the WAL. Source: FAULTS.md DB14. */
const OLDEST: readonly [number, number, number] = [3, 51, 3];

let chosen: Driver | null = null;

/**
 * The built-in driver where it is there and new enough, else its Node-API twin. Loaded when first asked for: a command
 * that needs no registry must not pay for it. Throws REGISTRY_DRIVER when neither can be had.
 */
export function loadDriver(): Driver {
  if (chosen) return chosen;
  const refusals: string[] = [];
  for (const name of DRIVER_NAMES) {
    const answer = tryDriver(name);
    if (typeof answer !== 'string') {
      chosen = answer;
      return answer;
    }
    refusals.push(`${name}: ${answer}`);
  }
  throw new ReeveError('REGISTRY_DRIVER', { why: refusals.join('; ') });
}

/** One driver, or the reason why it cannot be used here. */
export function tryDriver(name: DriverName): Driver | string {
  try {
    const { DatabaseSync } = quietly(() => createRequire(import.meta.url)(name) as SqliteModule);
    const sqlite = versionOf(new DatabaseSync(':memory:'));
    if (!isNewEnough(sqlite)) return `its SQLite is ${sqlite}, ${OLDEST.join('.')} is needed`;
    return {
      name,
      sqlite,
      open: (place, { readonly, wait }) => new DatabaseSync(place, { readOnly: readonly, timeout: wait }),
    };
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
  }
}

export function isNewEnough(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, least] of OLDEST.entries()) {
    const part = parts[i] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

function versionOf(database: Database): string {
  try {
    return String(database.prepare('SELECT sqlite_version() AS version').get()?.['version']);
  } finally {
    database.close();
  }
}

/** Node 22 calls its driver experimental at each start; a user of `reeve ps` can do nothing about that. */
function quietly<T>(load: () => T): T {
  const emit = process.emitWarning;
  process.emitWarning = ((warning: string | Error, ...rest: readonly unknown[]) => {
    if (rest[0] === 'ExperimentalWarning' && String(warning).includes('SQLite')) return;
    Reflect.apply(emit, process, [warning, ...rest]);
  }) as typeof process.emitWarning;
  try {
    return load();
  } finally {
    process.emitWarning = emit;
  }
}
