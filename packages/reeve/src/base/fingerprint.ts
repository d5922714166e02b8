import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** 8 hex digits of what is in these files, in this order; null: one of them cannot be read. */
export function fingerprint(files: readonly string[]): string | null {
  const hash = createHash('sha256');
  try {
    for (const file of files) hash.update(readFileSync(file));
  } catch {
    return null;
  }
  return hash.digest('hex').slice(0, 8);
}

/**
 * Fingerprint of a daemon program (argv: interpreter and file): of it and the keeper beside it. What they read later is
 * named in them by its own hash. null: it cannot be read, or is not such a program.
 */
export function programBuild([, file]: readonly string[]): string | null {
  return file === undefined ? null : fingerprint(filesOf(file));
}

/** Changes whenever one of the files of {@link programBuild} is written or replaced: cheap, where those were read before. */
export function programMark([, file]: readonly string[]): string {
  const stats = file === undefined ? [] : filesOf(file).map((each) => statSync(each, { throwIfNoEntry: false }));
  return stats.map((stat) => (stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}` : 'none')).join(', ');
}

function filesOf(file: string): readonly string[] {
  return [file, join(dirname(file), 'keeper.js')];
}
