import type { Instant } from '../base/instant.ts';
import { backUp } from './backup.ts';
import type { Database } from './driver.ts';
import { latest, type Migration } from './migrations.ts';

/** "REEV": tells reeve's file from another program's. */
export const APPLICATION_ID = 0x52454556;

export interface MigrateOptions {
  readonly file: string;
  readonly migrations: readonly Migration[];
  readonly now: () => Instant;
  /** Called before each statement; a test dies in it. */
  readonly onStep?: (version: number, statement: number) => void;
}

/**
 * Brings the schema up to date. Each step is one transaction with its `user_version`, so that a process that dies in it leaves
 * the old schema or the new one; a new file gets all of them at once, so that half of it is never read. A file that
 * holds something is copied first. Throws what SQLite throws.
 */
export function migrate(database: Database, options: MigrateOptions): void {
  const found = schemaOf(database);
  if (found >= latest(options.migrations)) return;
  if (found > 0) backUp(database, options.file, found, options.now());
  // A step that is not on the disk must not be built upon.
  database.exec('PRAGMA synchronous = FULL');
  const due = options.migrations.filter(({ version }) => version > found);
  for (const steps of found === 0 ? [due] : due.map((step) => [step])) take(database, steps, options.onStep);
}

function take(database: Database, steps: readonly Migration[], onStep: MigrateOptions['onStep']): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const { version, statements } of steps) {
      for (const [i, statement] of statements.entries()) {
        onStep?.(version, i);
        database.exec(statement);
      }
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      database.exec(`PRAGMA user_version = ${version}`);
      onStep?.(version, statements.length);
    }
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

export function schemaOf(database: Database): number {
  return pragma(database, 'user_version');
}
export function applicationOf(database: Database): number {
  return pragma(database, 'application_id');
}
function pragma(database: Database, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
