import type { ServiceSpec } from '@reeve/contract';
import { environOf } from '@reeve/host';
import { readSecretFile } from '../../config/secrets.ts';
import type { Machine } from '../../core/lifecycle/types.ts';
import type { Registry } from '../../core/registry.ts';

/** Reads what reeve remembers; null: it remembers nothing. */
export type ReadMemory = <T>(read: (registry: Registry) => T) => Promise<T | null>;

/** The values that must not be shown of a service of one project. */
export type SecretsOf = (service: string) => Promise<readonly string[]>;

/** A service that declares secrets, and the main processes of its instances as they are remembered. */
interface Keeper {
  readonly secrets: ServiceSpec['secrets'];
  readonly pids: readonly number[];
}

/**
 * What must not be shown of the logs of a project: its secrets as they are now, from their files and from the environment
 * of what runs. No command is executed for it. Values that have been replaced since are not known any more. What is
 * remembered is read once, and only if it is needed.
 */
export function secretsIn(memory: ReadMemory, folder: string): SecretsOf {
  let keepers: Promise<ReadonlyMap<string, Keeper>> | null = null;
  return async (service) => {
    keepers ??= readKeepers(memory, folder);
    const keeper = (await keepers).get(service);
    return keeper ? valuesOf(keeper) : [];
  };
}

async function valuesOf({ secrets, pids }: Keeper): Promise<readonly string[]> {
  const files = Object.values(secrets).flatMap((source) => (source.kind === 'file' ? [source.path] : []));
  const read = await Promise.all(files.map(readSecretFile));
  const names = Object.keys(secrets);
  const running = pids.map(environOf).flatMap((env) => names.map((name) => env?.get(name) ?? null));
  return [...new Set([...read, ...running])].filter((value) => value !== null && value !== '') as string[];
}

async function readKeepers(memory: ReadMemory, folder: string): Promise<ReadonlyMap<string, Keeper>> {
  const keepers = await memory((registry) => {
    const declared = registry.services.of(folder).filter(({ spec }) => Object.keys(spec.secrets).length > 0);
    const instances = declared.length > 0 ? registry.instances.of(folder) : [];
    return declared.map(({ name, spec }): [string, Keeper] => {
      const states = instances.filter((row) => row.service === name).map((row) => (row.machine as Machine).state);
      const pids = states.flatMap((state) => ('process' in state && state.process ? [state.process.pid] : []));
      return [name, { secrets: spec.secrets, pids }];
    });
  });
  return new Map(keepers ?? []);
}
