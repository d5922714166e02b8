import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type ProjectRef, ReeveError } from '@reeve/contract';
import { describeForeign, findConfig } from '@reeve/host';
import { type Context, has, optionValue } from '../context.ts';
import { rememberedProject, withMemory } from '../memory.ts';
import type { Target } from './target.ts';

/** Throws CONFIG_AMBIGUOUS, USAGE for a folder or file that is not there. */
export async function findProject(context: Context): Promise<Target> {
  const name = optionValue(context, 'project');
  return name === null ? findFolder(context) : { kind: 'named', name };
}

/** The folder that `-C`, `--config` or the place where we are mean, whatever `--project` says. */
export async function findFolder(context: Context): Promise<Extract<Target, { readonly kind: 'folder' }>> {
  const cwd = await realpath(context.cwd).catch(() => null);
  if (cwd === null) return removedFolder(context);
  const file = optionValue(context, 'config');
  const config = file === null ? await findConfig(cwd, context.io.env['HOME']) : await namedConfig(resolve(cwd, file));
  return { kind: 'folder', folder: config === null ? cwd : dirname(config), config };
}

/** A project outlives its folder: what runs of it can still be looked at and stopped. */
async function removedFolder(context: Context): Promise<Extract<Target, { readonly kind: 'folder' }>> {
  const folder = context.cwd;
  const target = { kind: 'folder', folder, config: null } as const;
  if (await withMemory(context, (registry) => rememberedProject(registry, target))) return target;
  const hint = has(context, 'directory')
    ? 'check the path after -C'
    : 'this folder has been removed: cd elsewhere, or use -C DIR or --project NAME';
  throw new ReeveError('USAGE', { message: `there is no folder ${folder}`, hint });
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
    : new ReeveError('NO_PROJECT_HERE', { folder: target.folder, seen: describeForeign(target.folder) ?? undefined });
}
