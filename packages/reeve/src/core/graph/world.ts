import type { DependencySpec, HealthName, Intent } from '@reeve/contract';
import type { Machine } from '../lifecycle/types.ts';

/** A project as the deciding functions see it: what is wanted, and what is. */
export interface WorldInstance {
  readonly index: number;
  readonly machine: Machine;
  readonly health: HealthName;
  /** What the last readiness answer was, while it starts. */
  readonly lacking: string | null;
}
export interface WorldService {
  readonly name: string;
  readonly oneshot: boolean;
  readonly hasHealth: boolean;
  readonly dependsOn: readonly DependencySpec[];
  readonly want: Intent;
  /** Of the intent: an instance of an older generation is stale. */
  readonly generation: number;
  /** As many as are wanted; further ones are on their way out. */
  readonly wanted: number;
  readonly instances: readonly WorldInstance[];
}
export type World = ReadonlyMap<string, WorldService>;

/** service → the services it names in `depends_on`. */
export function edgesOf(world: World): ReadonlyMap<string, readonly string[]> {
  return new Map([...world.values()].map((s) => [s.name, s.dependsOn.map((d) => d.service)]));
}
