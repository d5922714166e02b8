import { ReeveError } from '@reeve/contract';
import { pause } from '@reeve/host';
import type { Registry } from '../../core/registry.ts';
import { openRegistryReadonly } from '../../registry/open-readonly.ts';

/** A daemon notices at its next beat (1.5 s) that its registry is not what it was. Milliseconds. */
const HEALING = 5_000;
const PAUSE = 100;

/**
 * Reads what reeve remembers, with or without a daemon. Null when this home has no memory yet. `heal`: a damaged registry
 * is set aside by a daemon that starts, or at the next look of one that runs, and written anew from what runs; it makes
 * sure that there is one.
 */
export async function readMemory<T>(
  file: string,
  heal: (damaged: ReeveError) => Promise<void>,
  read: (registry: Registry) => T | Promise<T>,
): Promise<T | null> {
  const registry = await openOrHeal(file, heal);
  if (!registry) return null;
  try {
    return await read(registry);
  } finally {
    registry.close();
  }
}

async function openOrHeal(file: string, heal: (damaged: ReeveError) => Promise<void>): Promise<Registry | null> {
  const damaged = tryOpen(file);
  if (!(damaged instanceof ReeveError)) return damaged;
  await heal(damaged);
  const until = performance.now() + HEALING;
  for (;;) {
    const registry = tryOpen(file);
    if (!(registry instanceof ReeveError)) return registry;
    if (performance.now() >= until) throw registry;
    await pause(PAUSE);
  }
}

/** The error is REGISTRY_DAMAGED; any other is thrown. */
function tryOpen(file: string): Registry | ReeveError | null {
  try {
    return openRegistryReadonly(file);
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'REGISTRY_DAMAGED') return error;
    throw error;
  }
}
