import type { ProjectRow, Registry } from '../core/registry.ts';
import { type Context, say } from './context.ts';
import { connectOrStart, pathsOf } from './daemon/reach-daemon.ts';
import type { Target } from './project/target.ts';

/** Reads what reeve remembers, with or without a daemon. Null when this home has no memory yet. */
export async function withMemory<T>(context: Context, read: (registry: Registry) => T | Promise<T>): Promise<T | null> {
  // Only now: what reads the registry costs more to load than most commands need altogether.
  const { readMemory } = await import('../operations/read/read-memory.ts');
  const heal = async ({ message }: Error): Promise<void> => {
    say(context, `${message}: the daemon sets it aside and takes over what runs`);
    await (await connectOrStart(context)).close();
  };
  return readMemory(pathsOf(context).registry, heal, read);
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
