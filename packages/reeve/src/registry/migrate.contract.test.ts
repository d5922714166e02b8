import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadDriver } from './driver.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import { openRegistry } from './open.ts';
import { eventRow, projectRow } from './test-rows.ts';
import { listen, type TestFolder, type TestProgram, testFolder, testProgram } from './test-world.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = testFolder();
});
afterEach(() => folder[Symbol.dispose]());

const driver = loadDriver();
/** All that there is, as one step: the later ones of these tests come after it. */
const base: readonly Migration[] = [{ version: 1, statements: MIGRATIONS.flatMap((step) => step.statements) }];
/** Later steps, as they might come. */
const later = (version: number): Migration => ({
  version,
  statements: [
    `CREATE TABLE extra_${version} (node TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (node, name)) STRICT`,
    `ALTER TABLE events ADD COLUMN extra_${version} TEXT NOT NULL DEFAULT 'x'`,
    `INSERT INTO extra_${version} SELECT node, name FROM projects`,
    `UPDATE facts SET value = value || '-${version}' WHERE name = 'mark'`,
  ],
});
const upTo = (version: number) => [...base, ...Array.from({ length: version - 1 }, (_, i) => later(i + 2))];

interface Found {
  readonly schema: number;
  readonly tables: readonly string[];
  readonly mark: string | null;
}
function look(file: string): Found {
  const database = driver.open(file, { readonly: true, wait: 1000 });
  try {
    const schema = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
    const tables = names.map((row) => String(row['name']));
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    const mark = tables.includes('facts')
      ? database.prepare("SELECT value FROM facts WHERE name = 'mark'").get()
      : null;
    return { schema, tables, mark: mark ? String(mark['value']) : null };
  } finally {
    database.close();
  }
}
function fill(): void {
  const registry = openRegistry({ file: folder.file, migrations: base });
  registry.projects.save(projectRow());
  registry.facts.set('mark', 'm');
  registry.events.append(eventRow());
  registry.close();
}
const backups = () =>
  readdirSync(folder.path)
    .filter((name) => name.includes('.schema-'))
    .sort();

test('an existing registry is brought up to date step by step, after a copy that only its owner can read', () => {
  fill();
  openRegistry({ file: folder.file, migrations: upTo(3) }).close();
  const found = look(folder.file);
  expect([found.schema, found.mark]).toEqual([3, 'm-2-3']);
  expect(found.tables).toEqual(expect.arrayContaining(['projects', 'extra_2', 'extra_3']));
  const [copy = ''] = backups();
  expect(backups()).toHaveLength(1);
  expect(copy).toMatch(/^reeve\.db\.schema-1\.\d{4}-\d\d-\d\dT[\d-]+Z\.bak$/);
  expect(statSync(join(folder.path, copy)).mode & 0o777).toBe(0o600);
  expect(look(join(folder.path, copy))).toMatchObject({ schema: 1, mark: 'm' });
});

test('a new registry needs no copy, and one that is up to date is not copied again', () => {
  fill();
  openRegistry({ file: folder.file, migrations: base }).close();
  expect(backups()).toEqual([]);
});

test('the newest three copies are kept, and half a copy of a crash is cleared away', () => {
  fill();
  writeFileSync(join(folder.path, 'reeve.db.schema-1.2020-01-01T00-00-00-000Z.bak.part'), 'half');
  writeFileSync(join(folder.path, 'reeve.db.schema-notes.txt'), "the user's own");
  let now = Date.UTC(2026, 10, 21);
  for (let version = 2; version <= 6; version += 1) {
    now += 60_000;
    const clock = { now: () => now, monotonic: () => now };
    openRegistry({ file: folder.file, migrations: upTo(version), clock }).close();
  }
  expect(backups().map((name) => name.split('.')[2])).toEqual(['schema-3', 'schema-4', 'schema-5', 'schema-notes']);
  expect(look(folder.file)).toMatchObject({ schema: 6, mark: 'm-2-3-4-5-6' });
});

test('a step that fails leaves the schema before it, and what the registry held', () => {
  fill();
  const broken: Migration = { version: 3, statements: ['CREATE TABLE extra_3 (a)', 'INSERT INTO nowhere VALUES (1)'] };
  expect(() => openRegistry({ file: folder.file, migrations: [...upTo(2), broken] })).toThrow(/nowhere/);
  const found = look(folder.file);
  expect(found).toMatchObject({ schema: 2, mark: 'm-2' });
  expect(found.tables).not.toContain('extra_3');
  openRegistry({ file: folder.file, migrations: upTo(3) }).close();
  expect(look(folder.file)).toMatchObject({ schema: 3, mark: 'm-2-3' });
});

/** Dies before a given statement of a given step, as if the power of the process had been cut. */
const DIES = `
  import { openRegistry } from './open.ts';
  const [file, list, version, statement] = process.argv.slice(2);
  const onStep = (v, s) => {
    if (v === Number(version) && s === Number(statement)) process.kill(process.pid, 'SIGKILL');
  };
  openRegistry({ file, migrations: JSON.parse(list), onStep }).close();
`;

describe('DB12, UP4: a daemon killed inside a migration', () => {
  let program: TestProgram;
  beforeAll(async () => {
    program = await testProgram(DIES);
  });
  afterAll(() => program[Symbol.dispose]());

  const points = (migrations: readonly Migration[], version: number) =>
    Array.from({ length: (migrations[version - 1]?.statements.length ?? 0) + 1 }, (_, i) => i);

  test.each(points(base, 1))(
    'at statement %i of the first step leaves no schema, and the next one makes it',
    async (at) => {
      const { signal } = await listen(program.start(folder.file, JSON.stringify(base), '1', String(at)));
      expect(signal).toBe('SIGKILL');
      expect(look(folder.file)).toMatchObject({ schema: 0, tables: [] });
      fill();
      expect(look(folder.file)).toMatchObject({ schema: 1, mark: 'm' });
    },
  );

  test('between two steps of a new registry leaves no schema: half of it is never read', async () => {
    const { signal } = await listen(program.start(folder.file, JSON.stringify(upTo(3)), '2', '0'));
    expect(signal).toBe('SIGKILL');
    expect(look(folder.file)).toMatchObject({ schema: 0, tables: [] });
  });

  test.each([...points(upTo(3), 2).map((at) => [2, at] as const), ...points(upTo(3), 3).map((at) => [3, at] as const)])(
    'at step %i, statement %i leaves the schema before it, with everything in it',
    async (version, at) => {
      fill();
      const { signal } = await listen(program.start(folder.file, JSON.stringify(upTo(3)), String(version), String(at)));
      expect(signal).toBe('SIGKILL');
      const found = look(folder.file);
      expect(found).toMatchObject({ schema: version - 1, mark: version === 2 ? 'm' : 'm-2' });
      expect(found.tables.includes('extra_2')).toBe(version === 3);
      expect(backups()).toHaveLength(1);
      openRegistry({ file: folder.file, migrations: upTo(3) }).close();
      expect(look(folder.file)).toMatchObject({ schema: 3, mark: 'm-2-3' });
    },
  );
});
