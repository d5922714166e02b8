import { ReeveError } from '@reeve/contract';
import { pause } from '@reeve/host';
import type { ProjectRow, Registry } from '../core/registry.ts';
import { type Context, say } from './context.ts';
import { connectOrStart, pathsOf } from './daemon/reach-daemon.ts';
import type { Target } from './project/target.ts';

/** Reads what reeve remembers, with or without a daemon. Null when this home has no memory yet. */
export async function withMemory<T>(context: Context, read: (registry: Registry) => T | Promise<T>): Promise<T | null> {
  const { openRegistryReadonly } = await import('../registry/open-readonly.ts');
  const { registry: file } = pathsOf(context);
  const registry = await openOrHeal(context, () => openRegistryReadonly(file));
  if (!registry) return null;
  try {
    return await read(registry);
  } finally {
    registry.close();
  }
}

/** A daemon notices within a second that its registry is not what it was. Milliseconds. */
const HEALING = 5_000;
const PAUSE = 100;

/**
 * A daemon that starts sets a damaged registry aside, and one that runs does so at its next look; both write a new one
 * from what runs. Then there is something to read again.
 */
async function openOrHeal(context: Context, open: () => Registry | null): Promise<Registry | null> {
  const damaged = tryOpen(open);
  if (!(damaged instanceof ReeveError)) return damaged;
  say(context, `${damaged.message}: the daemon sets it aside and takes over what runs`);
  await (await connectOrStart(context)).close();
  const until = performance.now() + HEALING;
  for (;;) {
    const registry = tryOpen(open);
    if (!(registry instanceof ReeveError)) return registry;
    if (performance.now() >= until) throw registry;
    await pause(PAUSE);
  }
}

/** The error is REGISTRY_DAMAGED; any other is thrown. */
function tryOpen(open: () => Registry | null): Registry | ReeveError | null {
  try {
    return open();
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'REGISTRY_DAMAGED') return error;
    throw error;
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
