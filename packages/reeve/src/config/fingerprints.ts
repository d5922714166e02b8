import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { comparedValues, type Executed, type Execution, FILE } from '../core/spec/executed.ts';

/** Fingerprints of what a run executes. `salt`: of the run, so that a value cannot be looked up by its fingerprint. */
export function fingerprintsOf(salt: string, execution: Execution, declared: readonly string[]): Executed {
  const hashed = Object.entries(comparedValues(execution, declared)).map(([name, value]): [string, string] => [
    name,
    createHash('sha256').update(`${salt}\0${name}\0${value}`).digest('hex').slice(0, 12),
  ]);
  return Object.fromEntries([...hashed, ...filesOf(execution)]);
}

/** The program, and every word that is a file: scripts, mostly. */
function filesOf({ argv, cwd, env }: Execution): readonly [string, string][] {
  const [program = '', ...words] = argv;
  const folders = program.includes('/') ? [''] : (env['PATH'] ?? '').split(':');
  const found = folders.map((folder) => fileOf(resolve(cwd, folder, program))).find((entry) => entry !== null);
  return [found ?? null, ...words.map((word) => fileOf(resolve(cwd, word)))].filter((entry) => entry !== null);
}

function fileOf(path: string): [string, string] | null {
  try {
    const stat = statSync(path);
    return stat.isFile() ? [`${FILE}${path}`, `${stat.ino}:${stat.size}:${Math.round(stat.mtimeMs)}`] : null;
  } catch {
    return null;
  }
}
