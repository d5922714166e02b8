import { readFile } from 'node:fs/promises';
import type { ServiceSpec } from '@reeve/contract';
import { readSecretFile } from '../config/secrets.ts';
import type { Machine } from '../core/lifecycle/types.ts';
import type { Context } from './context.ts';
import { withMemory } from './memory.ts';

/** A service that declares secrets, and the main processes of its instances as they are remembered. */
interface Keeper {
  readonly secrets: ServiceSpec['secrets'];
  readonly pids: readonly number[];
}

const remembered = new WeakMap<Context, Map<string, Promise<ReadonlyMap<string, Keeper>>>>();

/**
 * What must not be shown of a service's log: its secrets as they are now, from their files and from the environment of
 * what runs. No command is executed for it. Values that have been replaced since are not known any more.
 */
export async function secretValues(context: Context, folder: string, service: string): Promise<readonly string[]> {
  const keeper = (await keepersOf(context, folder)).get(service);
  if (!keeper) return [];
  const files = Object.values(keeper.secrets).flatMap((source) => (source.kind === 'file' ? [source.path] : []));
  const read = await Promise.all(files.map(readSecretFile));
  const environments = await Promise.all(keeper.pids.map(environmentOf));
  const names = Object.keys(keeper.secrets);
  const running = environments.flatMap((env) => names.map((name) => env.get(name) ?? null));
  return [...new Set([...read, ...running])].filter((value) => value !== null && value !== '') as string[];
}

function keepersOf(context: Context, folder: string): Promise<ReadonlyMap<string, Keeper>> {
  const known = remembered.get(context) ?? new Map<string, Promise<ReadonlyMap<string, Keeper>>>();
  remembered.set(context, known);
  const found = known.get(folder) ?? readKeepers(context, folder);
  known.set(folder, found);
  return found;
}

async function readKeepers(context: Context, folder: string): Promise<ReadonlyMap<string, Keeper>> {
  const keepers = await withMemory(context, (registry) => {
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

/** Empty when it is gone, or not ours to read. */
async function environmentOf(pid: number): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return new Map(
    text.split('\0').flatMap((entry): [string, string][] => {
      const at = entry.indexOf('=');
      return at > 0 ? [[entry.slice(0, at), entry.slice(at + 1)]] : [];
    }),
  );
}
