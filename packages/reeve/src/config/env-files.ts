import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ReeveError } from '@reeve/contract';
import { textOfBytes } from '../base/raw-bytes.ts';
import type { EnvMap } from '../core/spec/environment.ts';
import { parseEnvFile } from './parse-env.ts';
import { MAX_BYTES } from './tree.ts';

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it does not exist',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ELOOP: 'symbolic link loop',
};

/** What an operating-system error means for a user who named a file. */
export function whyUnreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  return (code === undefined ? undefined : WHY[code]) ?? (error as Error).message;
}

/**
 * The contents of env files, in the order given, as they are now. `${…}` in them is not replaced.
 * Throws a `ReeveError` CONFIG_INVALID that names the file when one is missing, unreadable or no text.
 */
export async function readEnvFiles(paths: readonly string[]): Promise<readonly EnvMap[]> {
  return Promise.all(paths.map(readEnvFile));
}

export async function readEnvFile(path: string): Promise<EnvMap> {
  const bytes = await readBytes(path).catch((error: unknown) => refuse(path, whyUnreadable(error), error));
  if (bytes === null) return refuse(path, `it is not a file, or larger than ${MAX_BYTES} bytes`);
  const text = textOfBytes(bytes);
  if (text.includes('\0')) return refuse(path, 'it contains a NUL character: not a text file');
  const parsed = parseEnvFile(text);
  if (parsed.ok) return parsed.values;
  const message = `${path}:${parsed.line}: ${parsed.message}`;
  throw new ReeveError('CONFIG_INVALID', { message, hint: `expected: ${parsed.expected}`, expected: parsed.expected });
}

function refuse(path: string, why: string, cause?: unknown): never {
  const hint = 'create it, or remove it from `env_files`';
  throw new ReeveError('CONFIG_INVALID', { message: `cannot read the env file ${path}: ${why}`, hint, why }, { cause });
}

/** Null when it is not a regular file or too large. Does not hang on a FIFO. */
async function readBytes(path: string): Promise<Buffer | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat().then((stat) => (stat.isFile() ? stat : { size: Number.POSITIVE_INFINITY }));
    if (size > MAX_BYTES) return null;
    return await file.readFile();
  } finally {
    await file.close();
  }
}
