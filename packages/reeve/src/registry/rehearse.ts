import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadDriver } from './driver.ts';
import { explain } from './failure.ts';
import { sizeOf } from './file.ts';
import { refuseForeign } from './inspect.ts';
import { schemaOf } from './migrate.ts';
import { latest, MIGRATIONS } from './migrations.ts';
import { openRegistry } from './open.ts';

/**
 * Tries, on a copy, whether this program could open a registry that another one is writing: a migration that fails
 * fails here and not when the other has stepped aside. The registry itself is only read. Throws REGISTRY_NEWER,
 * REGISTRY_DAMAGED, DISK_FULL and what else `openRegistry` throws.
 */
export function rehearseMigration(file: string): void {
  if ((sizeOf(file) ?? 0) === 0) return;
  const driver = loadDriver();
  let folder: string | null = null;
  try {
    const database = driver.open(file, { readonly: true, wait: 1000 });
    try {
      refuseForeign(database, file, MIGRATIONS);
      if (schemaOf(database) === latest()) return;
      folder = mkdtempSync(join(dirname(file), 'rehearsal-'));
      const copy = join(folder, 'reeve.db');
      closeSync(openSync(copy, 'wx', 0o600));
      database.exec(`VACUUM INTO '${copy.replaceAll("'", "''")}'`);
      openRegistry({ file: copy, driver }).close();
    } finally {
      database.close();
    }
  } catch (error) {
    throw explain(error, file, 'open');
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}
