import type { ServiceSpec } from '@reeve/contract';
import { announcedOf } from './announced-here.ts';
import type { Context } from './context.ts';
import { rememberedProject, withMemory } from './memory.ts';
import { unknownProject } from './project/find-project.ts';
import { loadProject } from './project/load-project.ts';
import type { Target } from './project/target.ts';

/** What a reading command must know of a project to find its files: where it lies and what it declares. */
export interface ProjectFacts {
  readonly name: string;
  readonly folder: string;
  readonly services: ReadonlyMap<string, ServiceSpec>;
}

/** From reeve's memory, and what that lacks from the config. Throws PROJECT_UNKNOWN or CONFIG_NOT_FOUND. */
export async function projectFacts(context: Context, target: Target): Promise<ProjectFacts> {
  const remembered = await withMemory(context, (registry): ProjectFacts | null => {
    const row = rememberedProject(registry, target);
    if (!row) return null;
    const services = registry.services.of(row.folder).map((service) => [service.name, service.spec] as const);
    return { name: row.name, folder: row.folder, services: new Map(services) };
  });
  return remembered ?? announcedFacts(context, target) ?? declaredFacts(context, target);
}

/** A project of which nothing is known but what announced itself there: it declares nothing. */
function announcedFacts(context: Context, target: Target): ProjectFacts | null {
  if (target.kind === 'folder' && target.config !== null) return null;
  const [known] = announcedOf(context, target);
  return known ? { name: known.card.project, folder: known.card.folder, services: new Map() } : null;
}

/** From the config alone. */
export async function declaredFacts(context: Context, target: Target): Promise<ProjectFacts> {
  if (target.kind === 'folder' && target.config === null) throw unknownProject(target);
  const { project } = await loadProject(context, target);
  const services = new Map(project.services.map((spec) => [spec.name, spec]));
  return { name: project.name, folder: project.folder, services };
}
