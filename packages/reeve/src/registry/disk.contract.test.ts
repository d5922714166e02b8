import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Registry } from '../core/registry.ts';
import { openRegistry, openRegistryReadonly } from './open.ts';
import { eventRow, projectRow } from './test-rows.ts';
import { listen, testFolder, testProgram } from './test-world.ts';

function mount(...args: readonly string[]): string | null {
  const { status, stderr, error } = spawnSync('mount', [...args], { encoding: 'utf8' });
  return status === 0 ? null : (error?.message ?? stderr.trim());
}
function whyNoMount(): string | null {
  const place = mkdtempSync(join(tmpdir(), 'reeve-mount-'));
  const why = mount('-t', 'tmpfs', '-o', 'size=64k', 'none', place);
  if (why === null) spawnSync('umount', [place]);
  rmdirSync(place);
  return why;
}
const noMount = whyNoMount();
if (noMount !== null) console.warn(`full and read-only disks are not tested here: ${noMount}`);

function thrownBy(act: () => unknown): ReeveError {
  try {
    act();
  } catch (error) {
    if (error instanceof ReeveError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe.skipIf(noMount !== null)('on a small disk', () => {
  let place: string;
  let file: string;
  let registry: Registry | null;
  const resize = (options: string) => expect(mount('-o', `remount,${options}`, place)).toBeNull();
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'reeve-disk-'));
    file = join(place, 'reeve.db');
    registry = null;
    expect(mount('-t', 'tmpfs', '-o', 'size=64k', 'none', place)).toBeNull();
  });
  afterEach(() => {
    registry?.close();
    // Lazily: the driver closes its last descriptor only when the garbage collector comes by.
    expect(spawnSync('umount', ['-l', place]).status).toBe(0);
    rmdirSync(place);
  });

  test('too small for the schema nothing is opened, and all is well as soon as there is room', () => {
    const error = thrownBy(() => openRegistry({ file }));
    expect([error.code, error.message]).toEqual(['DISK_FULL', `${file}: no space left`]);
    resize('size=2m');
    registry = openRegistry({ file });
    registry.projects.save(projectRow());
    expect(registry.projects.all()).toEqual([projectRow()]);
  });

  test.each(['durable', 'usual'] as const)('DB4: that fills up, a transaction leaves nothing behind (%s)', (kind) => {
    resize('size=1m');
    const filler = join(place, 'filler');
    writeFileSync(filler, Buffer.alloc(400_000));
    registry = openRegistry({ file });
    const open = registry;
    open.projects.save(projectRow());
    let pairs = 0;
    const addPair = () =>
      open.transaction(kind, () => {
        open.events.append(eventRow({ data: { filling: 'x'.repeat(3000) } }));
        open.events.append(eventRow());
        pairs += 1;
      });
    const error = thrownBy(() => {
      for (;;) addPair();
    });
    expect(error.code).toBe('DISK_FULL');
    // The one that failed counted itself, or failed before it could.
    const stored = open.events.find({}).length;
    expect(stored % 2).toBe(0);
    expect([pairs, pairs - 1]).toContain(stored / 2);
    // What there is can be read, here and by a command; nothing can be written, not even less.
    expect(open.projects.all()).toEqual([projectRow()]);
    expect(thrownBy(() => open.projects.remove('/p', true)).code).toBe('DISK_FULL');
    expect(open.events.find({})).toHaveLength(stored);

    rmSync(filler);
    addPair();
    expect(open.events.find({})).toHaveLength(stored + 2);
    open.close();
    registry = openRegistry({ file });
    expect(registry.events.find({})).toHaveLength(stored + 2);
  });

  describe('mounted read-only', () => {
    /** A registry with one fact, made elsewhere by a process that has ended in this way, and put here. */
    const putHere = async (end: string) => {
      using folder = testFolder();
      using program = await testProgram(`
        import { openRegistry } from './open.ts';
        const registry = openRegistry({ file: process.argv[2] });
        registry.facts.set('a', '1');
        ${end}
      `);
      await listen(program.start(folder.file));
      resize('size=2m');
      copyFileSync(folder.file, file);
      const wal = `${folder.file}-wal`;
      if ((statSync(wal, { throwIfNoEntry: false })?.size ?? 0) > 0) copyFileSync(wal, `${file}-wal`);
      resize('ro');
    };

    test('the registry is read as it lies, and not opened for writing', async () => {
      await putHere('registry.close(); process.exit(0);');
      const reader = openRegistryReadonly(file);
      expect(reader?.facts.get('a')).toBe('1');
      reader?.close();
      const error = thrownBy(() => openRegistry({ file }));
      expect(error.code).toBe('REGISTRY_UNUSABLE');
      expect(error.message).toContain(`cannot open the registry ${file}: `);
    });

    test('with something in its WAL a reader says why it cannot read', async () => {
      await putHere("process.kill(process.pid, 'SIGKILL');");
      const error = thrownBy(() => openRegistryReadonly(file));
      expect([error.code, error.message]).toEqual(['REGISTRY_UNUSABLE', expect.stringContaining('wait in its -wal')]);
      resize('rw');
      const reader = openRegistryReadonly(file);
      expect(reader?.facts.get('a')).toBe('1');
      reader?.close();
    });
  });
});

/**
 * A disk that fails under the file, by a limit on the size of files: SQLite then meets EFBIG where it writes, which it
 * reports as it does an EIO. Tells how each write went, and how often the file was opened.
 */
const FAILING = `
  import { spawnSync } from 'node:child_process';
  import { Connection } from './connection.ts';
  import { loadDriver } from './driver.ts';
  import { openRegistry } from './open.ts';
  const file = process.argv[2];
  openRegistry({ file }).close();
  let opened = 0;
  const open = () => {
    opened += 1;
    return loadDriver().open(file, { readonly: false, wait: 20 });
  };
  const connection = new Connection({ file, isReadonly: false, open });
  const disk = (limit) => {
    const { status } = spawnSync('prlimit', ['--pid', String(process.pid), '--fsize=' + limit + ':']);
    if (status !== 0) throw new Error('prlimit failed');
  };
  const write = (name) => {
    try {
      connection.transaction('durable', () => connection.run('INSERT INTO facts (name, value) VALUES (?, ?)', name, ''));
      console.log(name, 'stored', opened);
    } catch (error) {
      console.log(name, error.code, opened);
    }
  };
  write('a');
  write('b');
  disk(4096);
  write('c');
  console.log(connection.all('SELECT name FROM facts').map((row) => row.name).join(' '));
  write('d');
  disk('unlimited');
  write('e');
  write('f');
  connection.close();
  process.exit(0);
`;

test('DB5: a disk that fails under it fails that write; the next one opens the file again before it continues', async () => {
  using folder = testFolder();
  using program = await testProgram(FAILING);
  const { code, lines } = await listen(program.start(folder.file));
  expect(lines).toEqual([
    'a stored 1',
    'b stored 1',
    'c REGISTRY_UNUSABLE 1',
    'a b',
    'd REGISTRY_UNUSABLE 2',
    'e stored 3',
    'f stored 3',
  ]);
  expect(code).toBe(0);
  const registry = openRegistry({ file: folder.file });
  const stored = ['a', 'b', 'c', 'd', 'e', 'f'].filter((name) => registry.facts.get(name) !== null);
  registry.close();
  expect(stored).toEqual(['a', 'b', 'e', 'f']);
});
