import { markChildren } from '../manager/ownership.ts';
import type { Owner } from './owner.ts';
import type { ServicePlace } from './place.ts';

/** A name that this program holds, by which it knows what it has started. */
export interface HeldName {
  readonly place: ServicePlace;
  readonly owner: Owner;
  /** Of this start, in the environment of whatever it starts. */
  readonly mark: string;
}

/** One a program, also when the package is loaded twice, as a module and as CommonJS. */
const KEY = Symbol.for('@reeve/sdk held name 1');
const here = globalThis as { [KEY]?: HeldName | undefined };

/** The name by which this program counts; null: it holds none. */
export function heldName(): HeldName | null {
  return here[KEY] ?? null;
}

/** From now on this program counts by this name, and what it starts carries the mark of it. */
export function holdName(place: ServicePlace, owner: Owner): void {
  here[KEY] = { place, owner, mark: markChildren(place.id) };
}

export function letGoOfName(owner: Owner): void {
  if (here[KEY]?.owner === owner) here[KEY] = undefined;
}
