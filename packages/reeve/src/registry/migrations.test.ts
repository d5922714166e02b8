import { describe, expect, test } from 'vitest';
import { latest, MIGRATIONS } from './migrations.ts';

describe('migrations', () => {
  test('are numbered 1, 2, 3 … without gaps', () => {
    expect(MIGRATIONS.map((m) => m.version)).toEqual(MIGRATIONS.map((_, i) => i + 1));
    expect(latest()).toBe(MIGRATIONS.length);
  });

  test('make strict tables only, whose keys all begin with the node', () => {
    const tables = MIGRATIONS.flatMap((m) => m.statements).filter((sql) => sql.startsWith('CREATE TABLE'));
    expect(tables.length).toBeGreaterThanOrEqual(10);
    for (const sql of tables) {
      expect(sql).toMatch(/\) STRICT/);
      expect(sql).toMatch(/PRIMARY KEY \(node, /);
      expect(sql).not.toMatch(/(PRIMARY KEY|UNIQUE) \((?!node, )/);
    }
  });
});
