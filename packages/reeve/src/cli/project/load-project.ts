import { ReeveError } from '@reeve/contract';
import { configNotFound } from '@reeve/host';
import type { Loaded } from '../../config/load.ts';
import type { Context } from '../context.ts';
import { rememberedProject, withMemory } from '../memory.ts';
import { findFolder, findProject, unknownProject } from './find-project.ts';
import type { Target } from './target.ts';

/** The config of a project, parsed and checked. Throws as `loadConfig` does, CONFIG_NOT_FOUND and PROJECT_UNKNOWN. */
export async function loadProject(context: Context, target: Target): Promise<Loaded> {
  if (target.kind === 'named') return loadNamed(context, target);
  if (target.config === null) throw configNotFound(target.folder);
  return load(context, target.folder, target.config);
}

/** `--project`: the config that reeve remembers, or the one of this folder, if it bears that name. */
async function loadNamed(context: Context, target: Extract<Target, { readonly kind: 'named' }>): Promise<Loaded> {
  const known = await withMemory(context, (registry) => rememberedProject(registry, target));
  if (known?.config) return load(context, known.folder, known.config);
  if (known) {
    throw new ReeveError('USAGE', {
      message: `${known.name} has no config: it was created by \`reeve run\` in ${known.folder}`,
      hint: 'write a reeve.yaml there',
    });
  }
  const { folder, config } = await findFolder(context);
  const here = config === null ? null : await load(context, folder, config);
  if (here?.project.name.toLowerCase() === target.name.toLowerCase()) return here;
  throw unknownProject(target);
}

async function load(context: Context, cwd: string, file: string): Promise<Loaded> {
  const { loadConfig } = await import('../../config/load.ts');
  return loadConfig({ cwd, file, env: context.io.env });
}

export async function loadHere(context: Context): Promise<Loaded> {
  return loadProject(context, await findProject(context));
}
