import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { SpawnRefused } from '../refusal.ts';
import { whyDenied, whyNotExecutable } from './why-not-executable.ts';

/** Where programs are looked for when the service's environment has no PATH. Source: execvp(3). */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** Throws {@link SpawnRefused} when the working folder is not there or not a folder. */
export function checkFolder(cwd: string): void {
  const stat = statOf(cwd, 'the working folder');
  if (stat === null) throw new SpawnRefused('ENOENT', `the working folder ${cwd} does not exist`);
  if (!stat.isDirectory()) throw new SpawnRefused('ENOTDIR', `the working folder ${cwd} is not a folder`);
}

/**
 * The file that a command names: along the service's own PATH, or relative to `cwd` if the name holds a slash.
 * Throws {@link SpawnRefused}, so that a missing program is distinguished from a program that exits with 127.
 */
export function findProgram(name: string, cwd: string, searched: string | undefined): string {
  if (name.includes('/')) {
    const file = path.resolve(cwd, name);
    const why = whyNotRunnable(file);
    if (why !== null) throw why;
    return executable(file, cwd, searched);
  }
  const folders = (searched ?? DEFAULT_PATH).split(':');
  let denied: SpawnRefused | null = null;
  for (const folder of folders) {
    const file = path.resolve(cwd, folder, name);
    const why = whyNotRunnable(file);
    if (why === null) return executable(file, cwd, searched);
    if (why.errno === 'EACCES' && isSearchable(path.dirname(file))) denied ??= why;
  }
  throw denied ?? new SpawnRefused('ENOENT', `no program "${name}" in PATH`);
}

/** Whether a program can be found by its name alone. */
function inPath(cwd: string, searched: string | undefined): (name: string) => boolean {
  const folders = (searched ?? DEFAULT_PATH).split(':');
  return (name) => folders.some((folder) => whyNotRunnable(path.resolve(cwd, folder, name)) === null);
}

function executable(file: string, cwd: string, searched: string | undefined): string {
  const why = whyNotExecutable(file, cwd, inPath(cwd, searched));
  if (why !== null) throw why;
  return file;
}

/** A folder of the PATH that this user may not enter holds nothing for it. */
function isSearchable(folder: string): boolean {
  try {
    accessSync(folder, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function whyNotRunnable(file: string): SpawnRefused | null {
  try {
    const stat = statOf(file, 'the program');
    if (stat === null) return new SpawnRefused('ENOENT', `${file} does not exist`);
    if (!stat.isFile())
      return new SpawnRefused('EACCES', `${file} is ${stat.isDirectory() ? 'a folder' : 'not a file'}, not a program`);
    accessSync(file, constants.X_OK);
    return null;
  } catch (error) {
    if (error instanceof SpawnRefused) return error;
    return whyDenied(file);
  }
}

/** `null`: it does not exist. */
function statOf(file: string, what: string) {
  try {
    return statSync(file, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    const { code = 'EIO', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return null;
    throw new SpawnRefused(code, `${what} ${file} cannot be looked at: ${message}`);
  }
}
