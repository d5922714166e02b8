import { chmodSync, closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Instant } from '../base/instant.ts';
import { iso } from '../base/instant.ts';
import type { Database } from './driver.ts';

/** How many copies from before a migration are kept. */
const KEPT = 3;
const UNFINISHED = '.part';

/** `reeve.db.schema-1.2026-11-21T08-41-04-123Z.bak` */
function backupName(file: string, schema: number, at: Instant): string {
  return `${basename(file)}.schema-${schema}.${iso(at).replaceAll(/[:.]/g, '-')}.bak`;
}
export function isBackupOf(file: string, name: string): boolean {
  return name.startsWith(`${basename(file)}.schema-`) && name.endsWith('.bak');
}
/** When it was made, as text that sorts. */
function madeAt(name: string): string {
  return name.slice(0, -'.bak'.length).split('.').at(-1) ?? '';
}

/**
 * A whole copy (0600) beside the registry, on the disk before this returns, and the newest three kept. Through
 * `VACUUM INTO`: to open the live file by any other way would drop SQLite's locks. Returns the path of the copy.
 */
export function backUp(database: Database, file: string, schema: number, at: Instant): string {
  const folder = dirname(file);
  const target = join(folder, backupName(file, schema, at));
  const draft = `${target}${UNFINISHED}`;
  removeUnfinished(file);
  try {
    // SQLite takes an empty file as target, and would make one that others may read.
    closeSync(openSync(draft, 'wx', 0o600));
    chmodSync(draft, 0o600);
    database.exec(`VACUUM INTO '${draft.replaceAll("'", "''")}'`);
    flush(draft);
    renameSync(draft, target);
    flush(folder);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  for (const name of backupsOf(file).slice(KEPT)) rmSync(join(folder, name));
  return target;
}

/** The newest copy that holds this schema; undefined: there is none. */
export function backupOf(file: string, schema: number): string | undefined {
  const name = backupsOf(file).find((each) => each.startsWith(`${basename(file)}.schema-${schema}.`));
  return name === undefined ? undefined : join(dirname(file), name);
}

/** Newest first. */
function backupsOf(file: string): readonly string[] {
  const names = readdirSync(dirname(file)).filter((name) => isBackupOf(file, name));
  return names.sort((a, b) => (madeAt(a) < madeAt(b) ? 1 : -1));
}

/** Copies that a crash cut short. */
function removeUnfinished(file: string): void {
  const folder = dirname(file);
  for (const name of readdirSync(folder)) {
    if (name.endsWith(UNFINISHED) && isBackupOf(file, name.slice(0, -UNFINISHED.length))) rmSync(join(folder, name));
  }
}

function flush(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
