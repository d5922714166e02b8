import { schema1 } from './schema-1.ts';
import { schema2 } from './schema-2.ts';
import { schema3 } from './schema-3.ts';

/** One step of the schema. Once released, a step is never changed: correct it in the next one. */
export interface Migration {
  /** `user_version` afterwards: 1, 2, 3 … without gaps. */
  readonly version: number;
  readonly statements: readonly string[];
}

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, statements: schema1 },
  { version: 2, statements: schema2 },
  { version: 3, statements: schema3 },
];

/** The schema that this reeve reads and writes. */
export function latest(migrations: readonly Migration[] = MIGRATIONS): number {
  return migrations.at(-1)?.version ?? 0;
}
