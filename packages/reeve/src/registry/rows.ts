import { END_CAUSES, type Exit } from '@reeve/contract';
import type { SqlRow } from './driver.ts';
import { damaged } from './failure.ts';

/** Why a stored value is not what it should be. Never leaves this floor. */
export class Unfit extends Error {
  /** Where inside the value: `.main.pid`; empty for the value itself. */
  readonly path: string;
  readonly why: string;
  constructor(why: string, path = '') {
    super(`${path} ${why}`.trim());
    this.path = path;
    this.why = why;
  }
}

/** Turns a stored value into what it should be, or throws Unfit with the reason. */
export type Guard<T> = (value: unknown) => T;

export interface RowPlace {
  readonly file: string;
  readonly table: string;
  /** Columns that say which row. */
  readonly key: readonly string[];
}

/**
 * One stored row, read column by column. What is not as it should be is REGISTRY_DAMAGED naming table and key: a bad
 * row is never handed out.
 */
export class Cells {
  readonly #row: SqlRow;
  readonly #place: RowPlace;
  constructor(row: SqlRow, place: RowPlace) {
    this.#row = row;
    this.#place = place;
  }

  text<T extends string = string>(column: string): T {
    return this.is(column, text) as T;
  }
  textOrNull(column: string): string | null {
    return this.is(column, orNull(text));
  }
  integer(column: string): number {
    return this.is(column, integer);
  }
  integerOrNull(column: string): number | null {
    return this.is(column, orNull(integer));
  }
  json<T>(column: string, guard: Guard<T>): T {
    return this.is(column, (value) => guard(parse(text(value))));
  }
  jsonOrNull<T>(column: string, guard: Guard<T>): T | null {
    return this.#row[column] === null ? null : this.json(column, guard);
  }
  is<T>(column: string, guard: Guard<T>): T {
    try {
      return guard(this.#row[column]);
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      const { file, table, key } = this.#place;
      const which = key.map((name) => `${name} ${JSON.stringify(this.#row[name])}`).join(', ');
      throw damaged(file, `table ${table}, ${which}: ${column}${error.path} ${error.why}`, error);
    }
  }
}

export function toJson(value: unknown): string {
  return JSON.stringify(value ?? null);
}
function parse(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new Unfit('is not JSON');
  }
}

// ── guards ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export const anything: Guard<unknown> = (value) => value;
export function text(value: unknown): string {
  if (typeof value !== 'string') throw new Unfit('is not text');
  return value;
}
export function integer(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new Unfit('is not an integer');
  return value as number;
}
export function orNull<T>(guard: Guard<T>): Guard<T | null> {
  return (value) => (value === null ? null : guard(value));
}
export function oneOf<T extends string>(names: readonly T[]): Guard<T> {
  return (value) => {
    if (!names.includes(value as T)) throw new Unfit(`is none of ${names.join(', ')}`);
    return value as T;
  };
}
export function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unfit('is not an object');
  return value as Readonly<Record<string, unknown>>;
}
export function listOf<T>(guard: Guard<T>): Guard<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new Unfit('is not a list');
    return value.map(guard);
  };
}
export function textMap(value: unknown): Readonly<Record<string, string>> {
  const map = object(value);
  for (const [name, entry] of Object.entries(map)) {
    if (typeof entry !== 'string') throw new Unfit(`holds ${name}, which is not text`);
  }
  return map as Readonly<Record<string, string>>;
}

/** A part of a value: what is wrong with it is said with its name. */
export function part<T>(name: string, value: unknown, guard: Guard<T>): T {
  try {
    return guard(value);
  } catch (error) {
    if (error instanceof Unfit) throw new Unfit(error.why, `.${name}${error.path}`);
    throw error;
  }
}

/** How a run ended. */
export function exit(value: unknown): Exit {
  const { kind, code, signal, at, cause } = object(value);
  const rest = { at: text(at), ...(cause === undefined ? {} : { cause: oneOf(END_CAUSES)(cause) }) };
  if (kind === 'code') return { kind, code: integer(code), signal: null, ...rest };
  if (kind === 'signal') return { kind, code: null, signal: text(signal), ...rest };
  if (kind === 'unobserved') return { kind, code: null, signal: null, ...rest };
  throw new Unfit('is not an exit');
}
