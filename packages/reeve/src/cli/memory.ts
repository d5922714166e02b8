import type { ProjectRow, Registry } from '../core/registry.ts';
import type { Context } from './context.ts';
import { pathsOf } from './daemon/reach-daemon.ts';
import type { Target } from './project/target.ts';

/** Reads what reeve remembers, with or without a daemon. Null when this home has no memory yet. */
export async function withMemory<T>(context: Context, read: (registry: Registry) => T | Promise<T>): Promise<T | null> {
  const { openRegistryReadonly } = await import('../registry/open-readonly.ts');
  const registry = openRegistryReadonly(pathsOf(context).registry);
  if (!registry) return null;
  try {
    return await read(registry);
  } finally {
    registry.close();
  }
}

export function rememberedProject(registry: Registry, target: Target): ProjectRow | null {
  const matches = (row: ProjectRow): boolean =>
    target.kind === 'named' ? row.name.toLowerCase() === target.name.toLowerCase() : row.folder === target.folder;
  return registry.projects.all().find(matches) ?? null;
}

/** Which of the words are services that the project once had: what has left the config keeps its history and its logs. */
export function pastServices(registry: Registry, folder: string, words: readonly string[]): readonly string[] {
  const names = words.map((word) => word.replace(/:\d+$/, ''));
  return names.filter((service) => registry.events.find({ folder, service, newest: 1 }).length > 0);
}
