import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadDriver } from './driver.ts';
import { latest } from './migrations.ts';
import { openRegistry, openRegistryReadonly } from './open.ts';
import { eventRow, projectRow } from './test-rows.ts';
import { listen, type TestFolder, testFolder, testProgram, withResolvers } from './test-world.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = testFolder();
});
afterEach(() => folder[Symbol.dispose]());

const driver = loadDriver();
/** What is thrown, as an object to look at. */
function thrownBy(act: () => unknown): ReeveError {
  try {
    act();
  } catch (error) {
    if (error instanceof ReeveError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
/** Changes the file as another program would. */
function spoil(sql: string): void {
  const database = driver.open(folder.file, { readonly: false, wait: 1000 });
  database.exec(sql);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}
function made(events = 0): void {
  const registry = openRegistry({ file: folder.file });
  registry.transaction('usual', () => {
    for (let i = 0; i < events; i += 1) registry.events.append(eventRow());
  });
  registry.projects.save(projectRow());
  registry.close();
}
/** Every file that holds something, by its content; the -shm, which readers rebuild, aside. */
function contents(): readonly string[] {
  const holds = (name: string) => !name.endsWith('-shm') && statSync(join(folder.path, name)).size > 0;
  const files = readdirSync(folder.path).filter(holds);
  return files.map(
    (name) =>
      `${name} ${createHash('sha256')
        .update(readFileSync(join(folder.path, name)))
        .digest('hex')}`,
  );
}
/** Opening must fail with this code, and leave every byte as it was. */
function refused(code: string): ReeveError {
  const before = contents();
  const error = thrownBy(() => openRegistry({ file: folder.file }));
  expect(error.code).toBe(code);
  expect(contents()).toEqual(before);
  return error;
}

test('the driver says its name and the version of its SQLite', () => {
  expect(driver.name).toMatch(/sqlite$/);
  expect(driver.sqlite).toMatch(/^3\.\d+\.\d+$/);
});

describe('the file', () => {
  test('is for its owner alone, whatever the umask', () => {
    const mask = process.umask(0);
    const registry = openRegistry({ file: folder.file });
    process.umask(mask);
    registry.facts.set('a', '1');
    for (const name of readdirSync(folder.path)) {
      expect([name, (statSync(join(folder.path, name)).mode & 0o777).toString(8)]).toEqual([name, '600']);
    }
    registry.close();
  });

  test('that others could read is closed to them', () => {
    made();
    chmodSync(folder.file, 0o644);
    openRegistry({ file: folder.file }).close();
    expect(statSync(folder.file).mode & 0o777).toBe(0o600);
  });

  test('DB7: is opened once in a process, by whatever path', () => {
    const registry = openRegistry({ file: folder.file });
    const other = join(folder.path, 'other');
    symlinkSync(folder.path, other);
    expect(() => openRegistry({ file: folder.file })).toThrow('already has the registry');
    expect(() => openRegistry({ file: join(other, 'reeve.db') })).toThrow('already has the registry');
    registry.close();
    openRegistry({ file: folder.file }).close();
  });

  test('is whole without its WAL after a close', () => {
    made(10);
    expect(statSync(`${folder.file}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
  });

  test('in a folder that does not exist cannot be opened, which is said', () => {
    const error = thrownBy(() => openRegistry({ file: join(folder.path, 'no', 'reeve.db') }));
    expect(error.code).toBe('REGISTRY_UNUSABLE');
    expect(error.message).toContain('cannot open the registry');
  });
});

describe('a damaged file is refused, untouched:', () => {
  test('one that is not a database', () => {
    writeFileSync(folder.file, 'these are not the bytes you are looking for'.repeat(200));
    const error = refused('REGISTRY_DAMAGED');
    expect(error.message).toContain(folder.file);
    expect(error.message).toContain('not a database');
    expect(error.hint).toContain('nothing was changed');
    expect(thrownBy(() => openRegistryReadonly(folder.file)).code).toBe('REGISTRY_DAMAGED');
  });

  test('one with a page overwritten', () => {
    made(2_000);
    const bytes = readFileSync(folder.file);
    for (let at = 8 * 4096; at < bytes.length; at += 4096) bytes.fill(0x5a, at, at + 4096);
    writeFileSync(folder.file, bytes);
    refused('REGISTRY_DAMAGED');
  });

  test('one that was cut short', () => {
    made(2_000);
    truncateSync(folder.file, 20 * 4096);
    refused('REGISTRY_DAMAGED');
  });

  test("one that is another program's database", () => {
    spoil('PRAGMA journal_mode = WAL; CREATE TABLE theirs (x)');
    expect(refused('REGISTRY_DAMAGED').message).toContain("not reeve's");
  });

  test('one that was emptied while something waits in its WAL', () => {
    made();
    truncateSync(folder.file, 0);
    writeFileSync(`${folder.file}-wal`, 'precious');
    refused('REGISTRY_DAMAGED');
    expect(readFileSync(`${folder.file}-wal`, 'utf8')).toBe('precious');
    expect(thrownBy(() => openRegistryReadonly(folder.file)).code).toBe('REGISTRY_DAMAGED');
  });

  test('and it can be opened again in this process once it is fixed', () => {
    writeFileSync(folder.file, 'x'.repeat(5000));
    refused('REGISTRY_DAMAGED');
    writeFileSync(folder.file, '');
    openRegistry({ file: folder.file }).close();
  });
});

test('DB12: a newer schema is refused, untouched, by writer and reader', () => {
  made();
  spoil('PRAGMA user_version = 999');
  expect(refused('REGISTRY_NEWER').message).toBe(`the registry has schema 999, this reeve supports ${latest()}`);
  expect(thrownBy(() => openRegistryReadonly(folder.file)).code).toBe('REGISTRY_NEWER');
});

describe('a reader', () => {
  test('finds nothing where there is nothing yet, and makes nothing', () => {
    expect(openRegistryReadonly(folder.file)).toBeNull();
    expect(openRegistryReadonly(join(folder.path, 'no', 'reeve.db'))).toBeNull();
    expect(readdirSync(folder.path)).toEqual([]);
    writeFileSync(folder.file, '');
    expect(openRegistryReadonly(folder.file)).toBeNull();
  });

  test('reads when no program writes, and cannot write', () => {
    made(3);
    const reader = openRegistryReadonly(folder.file);
    expect(reader?.projects.all()).toEqual([projectRow()]);
    const error = thrownBy(() => reader?.facts.set('a', '1'));
    expect([error.code, error.message]).toEqual([
      'REGISTRY_UNUSABLE',
      expect.stringContaining('cannot write the registry'),
    ]);
    expect(reader?.transaction('usual', () => reader.events.find({}).length)).toBe(3);
    reader?.close();
  });

  test('does not take a schema that only the daemon may bring up to date', () => {
    openRegistry({ file: folder.file, migrations: [{ version: 1, statements: ['CREATE TABLE x (a)'] }] }).close();
    spoil('PRAGMA user_version = 0');
    // Ours by its mark, and no schema in it: a daemon died while making it.
    expect(openRegistryReadonly(folder.file)).toBeNull();
  });
});

/** Writes one event after the other until it is asked to end; a line for each. */
const WRITER = `
  import { writeSync } from 'node:fs';
  import { openRegistry } from './open.ts';
  import { eventRow } from './test-rows.ts';
  const registry = openRegistry({ file: process.argv[2] });
  let going = true;
  process.stdin.on('data', () => { going = false; });
  const turn = () => {
    registry.transaction('usual', () => { registry.events.append(eventRow()); registry.events.append(eventRow()); });
    writeSync(1, '.\\n');
    if (going) setImmediate(turn);
    else { registry.close(); process.exit(0); }
  };
  turn();
`;
const READER = `
  import { openRegistryReadonly } from './open.ts';
  let last = 0;
  for (let i = 0; i < 40; i += 1) {
    const registry = openRegistryReadonly(process.argv[2]);
    const events = registry.events.find({ after_seq: last });
    if (events.length % 2 !== 0) throw new Error('half a transaction was seen');
    if (events.some((event, n) => event.seq !== last + n + 1)) throw new Error('an event is missing');
    last += events.length;
    registry.close();
  }
  console.log(last);
  process.exit(0);
`;

test('five readers see whole transactions, in order, while a writer writes', async () => {
  using writer = await testProgram(WRITER);
  using reader = await testProgram(READER);
  const writing = writer.start(folder.file);
  const begun = withResolvers();
  const written = listen(writing, begun.resolve).finally(begun.resolve);
  await begun.promise;
  const readers = await Promise.all(Array.from({ length: 5 }, () => listen(reader.start(folder.file))));
  writing.stdin?.end('enough');
  const { code, lines } = await written;
  expect(code).toBe(0);
  for (const told of readers) {
    expect(told.code).toBe(0);
    expect(Number(told.lines[0])).toBeGreaterThan(0);
    expect(Number(told.lines[0])).toBeLessThanOrEqual(2 * lines.length);
  }
  expect(existsSync(folder.file)).toBe(true);
});

/** Holds the lock until its standard input ends. */
const HOLDER = `
  import { loadDriver } from './driver.ts';
  const database = loadDriver().open(process.argv[2], { readonly: false, wait: 5000 });
  database.exec('BEGIN EXCLUSIVE');
  console.log('held');
  process.stdin.on('data', () => {}).on('end', () => { database.exec('ROLLBACK'); process.exit(0); });
`;

test("DB10: another program's lock is REGISTRY_BUSY, reading continues, and the next write works when it is gone", async () => {
  using program = await testProgram(HOLDER);
  const registry = openRegistry({ file: folder.file });
  registry.facts.set('a', '1');
  const holder = program.start(folder.file);
  const held = withResolvers();
  const ended = listen(holder, held.resolve).finally(held.resolve);
  await held.promise;
  // The holder lets go only when this test tells it to: an answer at all means that no one waited for it.
  const error = thrownBy(() => registry.transaction('durable', () => registry.facts.set('a', '2')));
  expect([error.code, error.message]).toEqual([
    'REGISTRY_BUSY',
    `another program has locked the registry ${folder.file}`,
  ]);
  expect(thrownBy(() => registry.facts.set('a', '3')).code).toBe('REGISTRY_BUSY');
  expect(registry.facts.get('a')).toBe('1');
  holder.stdin?.end();
  await ended;
  registry.transaction('durable', () => registry.facts.set('a', '4'));
  expect(registry.facts.get('a')).toBe('4');
  registry.close();
});

describe('U36: a link in the place of a file of the registry', () => {
  test.each(['', '-wal', '-shm'])('is refused, and its target stays as it is (reeve.db%s)', (companion) => {
    const target = join(folder.file, '..', 'precious');
    writeFileSync(target, 'kept', { mode: 0o644 });
    symlinkSync(target, folder.file + companion);
    expect(thrownBy(() => openRegistry({ file: folder.file }))).toMatchObject({ code: 'HOME_UNSAFE' });
    expect(thrownBy(() => openRegistryReadonly(folder.file))).toMatchObject({ code: 'HOME_UNSAFE' });
    expect([readFileSync(target, 'utf8'), statSync(target).mode & 0o777]).toEqual(['kept', 0o644]);
  });
});
