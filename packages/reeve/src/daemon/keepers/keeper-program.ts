import { existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { keeperLabel } from './places.ts';

/** The program of a keeper that is started now. */
export interface KeeperProgram {
  readonly argv: readonly string[];
  /** The part of argv that is ours; it may be gone. */
  readonly file: string;
  /** Version and fingerprint: given to the keeper, which sends it at every hello. */
  readonly label: string;
}

/**
 * Where the keeper's program lies now. An upgrade replaces or removes the package, or the Node, that this daemon was
 * started from: then it is the Node of this very process, which the kernel keeps, and the keeper of the `reeve` on PATH.
 */
export function keeperProgram(built: readonly string[], version: string, path = process.env['PATH']): KeeperProgram {
  const [node = '', was = '', ...more] = built;
  const file = existsSync(was) ? was : (keeperOnPath(path) ?? was);
  const argv = [existsSync(node) ? node : `/proc/${process.pid}/exe`, file, ...more];
  return { argv, file, label: keeperLabel(version, argv) };
}

/** The keeper of the first `reeve` on the PATH that has one; null: there is none. */
function keeperOnPath(path: string | undefined): string | null {
  for (const folder of (path ?? '').split(':').filter(isAbsolute)) {
    const command = real(join(folder, 'reeve'));
    const file = command && join(dirname(command), '..', 'dist', 'keeper.js');
    if (file && existsSync(file)) return file;
  }
  return null;
}

function real(file: string): string | null {
  try {
    return realpathSync(file);
  } catch {
    return null; // not there, or not readable: the next folder may have it
  }
}
