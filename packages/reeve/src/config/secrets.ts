import { readFile, stat } from 'node:fs/promises';
import { ReeveError } from '@reeve/contract';
import { deadlineIn, describeLeft, type LimitedEnd, runLimited } from '@reeve/host';
import type { EnvMap } from '../core/spec/environment.ts';
import type { ResolvedSecret } from '../core/spec/resolve.ts';
import { whyUnreadable } from './env-files.ts';

/** How long a command may take to print a secret (milliseconds), and how much of it is taken (bytes). */
const PATIENCE = 10_000;
const MOST = 64 * 1024;

/**
 * The values of secrets, as they are now; read and executed as the user that reeve runs as. Throws a `ReeveError`
 * CONFIG_INVALID that names the secret; what a command printed is in no message.
 */
export async function fetchSecrets(
  sources: Readonly<Record<string, ResolvedSecret>>,
  where: { readonly cwd: string; readonly env: EnvMap },
): Promise<EnvMap> {
  const fetched = Object.entries(sources).map(async ([name, source]): Promise<[string, string]> => {
    const value =
      source.kind === 'file' ? await fromFile(name, source.path) : await fromCommand(name, source.argv, where);
    if (value.includes('\0')) throw unavailable(name, 'it contains a NUL character, which a variable cannot');
    return [name, value.replace(/\r?\n$/, '')];
  });
  return Object.fromEntries(await Promise.all(fetched));
}

/** A secret's file; null when it cannot be read. */
export async function readSecretFile(path: string): Promise<string | null> {
  return (await readFile(path, 'utf8').catch(() => null))?.replace(/\r?\n$/, '') ?? null;
}

async function fromFile(name: string, path: string): Promise<string> {
  try {
    const { size, isFile } = await stat(path).then((found) => ({ size: found.size, isFile: found.isFile() }));
    if (!isFile || size > MOST) throw unavailable(name, `${path} is not a file, or larger than ${MOST} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof ReeveError) throw error;
    throw unavailable(name, `${path}: ${whyUnreadable(error)}`);
  }
}

async function fromCommand(
  name: string,
  argv: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: EnvMap },
): Promise<string> {
  const deadline = deadlineIn(PATIENCE);
  const { signal } = deadline;
  const end = await runLimited({ argv, cwd, env, signal, result: { fd: 1, most: MOST }, leftovers: 'end' });
  deadline.clear();
  const why = whyNot(end);
  if (why === null) return end.result;
  throw unavailable(name, `its command ${argv[0]} ${why}`);
}

/** null: it has printed the secret. */
function whyNot(end: LimitedEnd): string | null {
  switch (end.how) {
    case 'exited':
      return end.code === 0 ? null : `ended with ${end.code ?? end.by}`;
    case 'refused':
      return `cannot be executed: ${end.error.code ?? end.error.message}`;
    case 'too_much':
      return `printed more than ${MOST} bytes`;
    case 'stopped':
      return `did not end within ${PATIENCE / 1000}s`;
    case 'unended':
      return `is not run again: of the last time ${describeLeft(end.left)}`;
  }
}

function unavailable(name: string, why: string): ReeveError {
  const hint = `fix it under \`secrets\`, or remove ${name}`;
  return new ReeveError('CONFIG_INVALID', { message: `cannot get the secret ${name}: ${why}`, hint });
}
