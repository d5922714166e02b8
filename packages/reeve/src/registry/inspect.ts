import { ReeveError } from '@reeve/contract';
import { backupOf } from './backup.ts';
import type { Database, Driver } from './driver.ts';
import { damaged, explain, needsPlayback } from './failure.ts';
import { sizeOf } from './file.ts';
import { APPLICATION_ID, applicationOf, schemaOf } from './migrate.ts';
import { latest, type Migration } from './migrations.ts';

/**
 * Looks at the file through a connection that cannot write, so that one that is damaged or not ours is left exactly as
 * it was found. `wait`: for locks, in ms. Throws REGISTRY_DAMAGED, REGISTRY_NEWER.
 */
export function inspectBeforeWriting(
  file: string,
  driver: Driver,
  migrations: readonly Migration[],
  wait: number,
): void {
  if ((sizeOf(file) ?? 0) === 0) return;
  let database: Database | null = null;
  try {
    database = driver.open(file, { readonly: true, wait });
    refuseForeign(database, file, migrations);
    quickCheck(database, file);
  } catch (error) {
    // Its writer died while making it: only a writer can play that back, and it looks again afterwards.
    if (needsPlayback(error)) return;
    throw explain(error, file, 'open');
  } finally {
    database?.close();
  }
}

/** Throws when the file is another program's, or a newer reeve's. */
export function refuseForeign(database: Database, file: string, migrations: readonly Migration[]): void {
  const found = schemaOf(database);
  const known = latest(migrations);
  const isOurs = applicationOf(database) === APPLICATION_ID;
  const isEmpty = found === 0 && Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n']) === 0;
  if (!isOurs && !isEmpty) throw damaged(file, "it is a database, but not reeve's");
  if (found > known) throw new ReeveError('REGISTRY_NEWER', { file, found, known, backup: backupOf(file, known) });
}

function quickCheck(database: Database, file: string): void {
  const answer = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (answer !== 'ok') throw damaged(file, String(answer));
}
