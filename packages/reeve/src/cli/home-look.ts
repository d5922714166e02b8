import type { Registry } from '../core/registry.ts';
import { type HomeLook, lookAtHome as look } from '../operations/read/home-look.ts';
import { offlineWorld } from '../operations/read/offline-world.ts';
import type { World } from '../operations/read/world.ts';
import type { Context } from './context.ts';
import { connectToRead, pathsOf } from './daemon/reach-daemon.ts';
import { withMemory } from './memory.ts';

/** Every live process, and whose it is by what reeve remembers and what the processes carry. Needs no daemon. */
export async function lookAtHome(context: Context): Promise<HomeLook> {
  return look(await worldHere(context), process.pid);
}

/** What is known of the home without the daemon: its registry and files. */
export async function worldHere(context: Context): Promise<World> {
  const reeve = await ownReeve(context);
  const at = (registry: Registry | null): World => offlineWorld(pathsOf(context), registry, reeve);
  try {
    return (await withMemory(context, at)) ?? at(null);
  } catch {
    // A registry that cannot be read leaves what the processes carry themselves.
    return at(null);
  }
}

/** The daemon and the keeper of this home. One that does not answer is known by its mark alone. */
async function ownReeve(context: Context): Promise<ReadonlySet<number>> {
  try {
    await using reading = await connectToRead(context);
    const { daemon, client } = reading;
    return new Set([daemon.pid, client?.daemon.keeper_pid ?? null].filter((each) => each !== null));
  } catch {
    return new Set();
  }
}
