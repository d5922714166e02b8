import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type ProjectRef, ReeveError } from '@reeve/contract';
import { findConfig } from '@reeve/host';
import { type Context, optionValue } from '../context.ts';

/** Which project a command is about: found without reading the config. */
export type Target =
  | { readonly kind: 'named'; readonly name: string }
  /** `config` null: none was found; the folder may still be one of `reeve run`. */
  | { readonly kind: 'folder'; readonly folder: string; readonly config: string | null };

/** Throws CONFIG_AMBIGUOUS, USAGE for a folder or file that is not there. */
export async function findProject(context: Context): Promise<Target> {
  const name = optionValue(context, 'project');
  return name === null ? findFolder(context) : { kind: 'named', name };
}

/** The folder that `-C`, `--config` or the place where we are mean, whatever `--project` says. */
export async function findFolder(context: Context): Promise<Extract<Target, { readonly kind: 'folder' }>> {
  const cwd = await realpath(context.cwd).catch(() => null);
  if (cwd === null) {
    throw new ReeveError('USAGE', { message: `there is no folder ${context.cwd}`, hint: 'check the path after -C' });
  }
  const file = optionValue(context, 'config');
  const config = file === null ? await findConfig(cwd, context.io.env['HOME']) : await namedConfig(resolve(cwd, file));
  return { kind: 'folder', folder: config === null ? cwd : dirname(config), config };
}

async function namedConfig(file: string): Promise<string> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) {
    throw new ReeveError('USAGE', { message: `there is no config ${file}`, hint: 'check the path after --config' });
  }
  return join(await realpath(dirname(file)), basename(file));
}

export function refOf(target: Target): ProjectRef {
  return target.kind === 'named' ? { name: target.name } : { folder: target.folder };
}

/** What to say when neither a config nor reeve's memory knows it. Exit code 4 either way. */
export function unknownProject(target: Target): ReeveError {
  return target.kind === 'named'
    ? new ReeveError('PROJECT_UNKNOWN', { name: target.name })
    : new ReeveError('NO_PROJECT_HERE', { folder: target.folder });
}
