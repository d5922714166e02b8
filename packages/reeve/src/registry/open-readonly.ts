import { pathToFileURL } from 'node:url';
import { ReeveError } from '@reeve/contract';
import type { Registry } from '../core/registry.ts';
import { Connection } from './connection.ts';
import { type Database, type Driver, loadDriver } from './driver.ts';
import { cannotOpen, explain, needsPlayback } from './failure.ts';
import { refuseLinks, refuseLostFile, sizeOf } from './file.ts';
import { refuseForeign } from './inspect.ts';
import { schemaOf } from './migrate.ts';
import { latest, MIGRATIONS } from './migrations.ts';
import { registryOver } from './registry.ts';

/** A command may wait a little for the daemon, which writes for milliseconds at a time. */
const WAIT = 1000;

/**
 * Opens the registry for reading, beside a daemon that writes or when none runs. Null: there is nothing to read yet
 * (no file, or one that was never finished). Writing through it throws REGISTRY_UNUSABLE. Throws REGISTRY_DAMAGED,
 * REGISTRY_NEWER, REGISTRY_OLDER, REGISTRY_BUSY, REGISTRY_UNUSABLE, REGISTRY_DRIVER.
 */
export function openRegistryReadonly(file: string, driver: Driver = loadDriver()): Registry | null {
  try {
    refuseLinks(file);
    const size = sizeOf(file);
    refuseLostFile(file, size);
    if (size === null || size === 0) return null;
    const first = openReader(file, driver);
    if (!first) return null;
    let next: Database | null = first;
    const open = (): Database => {
      const database = next ?? driver.open(file, { readonly: true, wait: WAIT });
      next = null;
      return database;
    };
    const connection = new Connection({ file, isReadonly: true, open });
    return registryOver({ connection, clock: { now: () => 0, monotonic: () => 0 } }, () => {});
  } catch (error) {
    throw explain(error, file, 'read');
  }
}

function openReader(file: string, driver: Driver): Database | null {
  try {
    return verified(() => driver.open(file, { readonly: true, wait: WAIT }), file);
  } catch (error) {
    if (needsPlayback(error)) return null;
    if (!cannotOpen(error)) throw error;
    return openAsItLies(file, driver, error);
  }
}

/**
 * Where the shared-memory file cannot be made (a disk mounted read-only, a folder of another user) no program can be
 * writing through it either: the file is read as it lies, provided that nothing waits in a WAL beside it.
 */
function openAsItLies(file: string, driver: Driver, error: unknown): Database | null {
  const waiting = sizeOf(`${file}-wal`) ?? 0;
  if (waiting > 0) {
    const why = `${waiting} bytes wait in its -wal, and its -shm cannot be made here`;
    const hint = 'run this as the user who owns it, or where its folder can be written to';
    throw new ReeveError('REGISTRY_UNUSABLE', { file, doing: 'read', why, hint }, { cause: error });
  }
  const place = pathToFileURL(file);
  place.searchParams.set('immutable', '1');
  return verified(() => driver.open(place, { readonly: true, wait: WAIT }), file);
}

function verified(open: () => Database, file: string): Database | null {
  const database = open();
  try {
    refuseForeign(database, file, MIGRATIONS);
    const found = schemaOf(database);
    if (found === latest()) return database;
    if (found > 0) throw new ReeveError('REGISTRY_OLDER', { file, found, known: latest() });
    database.close();
    return null;
  } catch (error) {
    database.close();
    throw error;
  }
}
