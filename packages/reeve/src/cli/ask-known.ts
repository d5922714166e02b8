import { ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import type { Context } from './context.ts';
import { connectIfRunning, connectOrStart } from './daemon/reach-daemon.ts';
import { rememberedProject, withMemory } from './memory.ts';
import { unknownProject } from './project/find-project.ts';
import { loadProject } from './project/load-project.ts';
import type { Target } from './project/target.ts';
import { chooseServices } from './project/unknown-service.ts';

/**
 * Asks the daemon about a project that reeve knows; it is started when it is down, since services may have outlived it.
 * Null when reeve does not know the project: then nothing of it runs, and no daemon is started to say so.
 */
export async function askKnown<T>(
  context: Context,
  target: Target,
  ask: (client: ReeveClient) => Promise<T>,
): Promise<T | null> {
  await using client = await connectToKnown(context, target);
  if (!client) return null;
  try {
    return await ask(client);
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'PROJECT_UNKNOWN') return null;
    throw error;
  }
}

async function connectToKnown(context: Context, target: Target): Promise<ReeveClient | null> {
  const running = await connectIfRunning(context);
  if (running) return running;
  const known = await withMemory(context, (registry) => rememberedProject(registry, target));
  return known ? connectOrStart(context) : null;
}

/** The services that words mean in a config that was never applied. Throws what makes exit code 4. */
export async function declaredServices(
  context: Context,
  target: Target,
  words: readonly string[],
): Promise<readonly string[]> {
  if (target.kind === 'folder' && target.config === null) throw unknownProject(target);
  const { project } = await loadProject(context, target);
  const known = project.services.map(({ name }) => name);
  return chooseServices(words, project.name, known);
}

/** Nothing runs of a config that was never applied. */
export async function notRunning(context: Context, target: Target, word: string): Promise<ReeveError> {
  const [name = word] = await declaredServices(context, target, [word]);
  return new ReeveError('NOT_RUNNING', { name });
}
