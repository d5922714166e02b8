import { ReeveError } from '@reeve/contract';
import type { Context } from '../context.ts';
import { rememberedProject, withMemory } from '../memory.ts';
import { loadProject } from './load-project.ts';
import type { Target } from './target.ts';

/** The services of a project that reeve manages, or would: of its memory and of the config, in small letters. */
export async function managedNames(context: Context, target: Target): Promise<ReadonlySet<string>> {
  const remembered = await withMemory(context, (registry) => {
    const project = rememberedProject(registry, target);
    return project ? registry.services.of(project.folder).map(({ name }) => name) : [];
  });
  const declared = await declaredNames(context, target);
  return new Set([...(remembered ?? []), ...declared].map((name) => name.toLowerCase()));
}

/** A config that is not there, or wrong, declares nothing here: the command that needs it says so. */
async function declaredNames(context: Context, target: Target): Promise<readonly string[]> {
  try {
    return (await loadProject(context, target)).project.services.map(({ name }) => name);
  } catch (error) {
    if (error instanceof ReeveError) return [];
    throw error;
  }
}
