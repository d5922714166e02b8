import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { describeForeign } from './foreign-configs.ts';

const CONFIG_NAMES = [
  'reeve.yaml',
  'reeve.yml',
  'reeve.json',
  'reeve.config.ts',
  'reeve.config.mts',
  'reeve.config.js',
  'reeve.config.mjs',
];

/** S_ISVTX: a folder in which every user may put files, such as /tmp. */
const STICKY = 0o1000;

/**
 * The nearest config, upwards from `cwd` to the git root or home, whichever comes first. Going up stops before a folder
 * of another owner (root may continue) and before a sticky folder. Null when there is none.
 * Throws `ReeveError` CONFIG_AMBIGUOUS for two side by side. Source: DESIGN.md, Names; FAULTS S23.
 */
export async function findConfig(cwd: string, home: string | undefined): Promise<string | null> {
  const top = home === undefined ? null : await realpath(home).catch(() => null);
  const start = await realpath(resolve(cwd));
  for (let folder = start; ; folder = dirname(folder)) {
    if (folder !== start && !(await mayEnter(folder))) return null;
    const names: readonly string[] = await readdir(folder).catch(() => []);
    const found = CONFIG_NAMES.filter((name) => names.includes(name));
    const [first, second] = found;
    if (first !== undefined && second !== undefined)
      throw new ReeveError('CONFIG_AMBIGUOUS', { first: join(folder, first), second: join(folder, second) });
    if (first !== undefined) return join(folder, first);
    if (names.includes('.git') || folder === top || folder === dirname(folder)) return null;
  }
}

async function mayEnter(folder: string): Promise<boolean> {
  const facts = await stat(folder).catch(() => null);
  if (!facts || (facts.mode & STICKY) !== 0) return false;
  const me = process.geteuid?.();
  return me === undefined || me === 0 || facts.uid === me;
}

/** No config in a folder or above it; what lies there of other managers is named. */
export function configNotFound(folder: string): ReeveError {
  const seen = describeForeign(folder);
  if (seen === null) return new ReeveError('CONFIG_NOT_FOUND', { folder });
  const hint = `reeve does not read ${seen}: write a reeve.yaml with the same commands under services; reeve run CMD needs none`;
  return new ReeveError('CONFIG_NOT_FOUND', { folder, seen, hint });
}

/** Throws `ReeveError` CONFIG_NOT_FOUND when there is none. */
export async function locateConfig(cwd: string, home: string | undefined): Promise<string> {
  const found = await findConfig(cwd, home);
  if (found === null) throw configNotFound(resolve(cwd));
  return found;
}
