import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type OwnRegistry, openOrBeginAnew, openRegistry } from './open.ts';
import { eventRow, projectRow } from './test-rows.ts';
import { testFolder } from './test-world.ts';

let folder: ReturnType<typeof testFolder>;
let registry: OwnRegistry;
beforeEach(() => {
  folder = testFolder();
  registry = openRegistry({ file: folder.file });
  registry.projects.save(projectRow());
  registry.events.append(eventRow());
});
afterEach(() => {
  registry.close();
  folder[Symbol.dispose]();
});

/** As an editor or `mv` does it. */
function replaceBy(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

const names = () => readdirSync(folder.path).filter((name) => name.includes('set-aside') && !/-(wal|shm)$/.test(name));

test('U21: what this process writes itself, also in a checkpoint, is not a change behind its back', () => {
  registry.transaction('usual', () => {
    for (let n = 0; n < 1500; n++) registry.events.append(eventRow({ data: { filling: 'x'.repeat(3000) } }));
  });
  expect(registry.misplaced()).toBeNull();
});

describe('U21: a file that is taken away under its writer is noticed, and a new one is put in its place:', () => {
  test.each<readonly [string, (file: string) => void, RegExp, boolean]>([
    ['removed', (file) => rmSync(file), /removed/, true],
    ['removed with all beside it', (file) => ['', '-wal', '-shm'].map((end) => rmSync(file + end)), /removed/, true],
    ['its WAL removed', (file) => rmSync(`${file}-wal`), /-wal/, true],
    ['replaced', (file) => replaceBy(file, 'another'), /replaced/, true],
    ['emptied', (file) => truncateSync(file), /emptied/, false],
    ['overwritten', (file) => writeFileSync(file, 'x'.repeat(50_000)), /overwritten/, false],
  ])('%s', (_, treat, why, isHistoryKept) => {
    treat(folder.file);
    expect(registry.misplaced()).toMatch(why);
    expect(registry.beginAnew()).toMatchObject({ isHistoryKept });
    expect(registry.misplaced()).toBeNull();
    expect(registry.projects.all()).toHaveLength(isHistoryKept ? 1 : 0);
    registry.projects.save(projectRow({ name: 'later' }));
    registry.close();
    registry = openRegistry({ file: folder.file });
    expect(registry.projects.all()).toMatchObject([{ name: 'later' }]);
    expect(registry.events.find({})).toHaveLength(isHistoryKept ? 1 : 0);
  });

  test('a write that comes before the look does not hide it', () => {
    rmSync(folder.file);
    registry.projects.save(projectRow({ name: 'written after' }));
    expect(registry.misplaced()).toMatch(/removed/);
    registry.beginAnew();
    expect(registry.projects.all()).toMatchObject([{ name: 'written after' }]);
  });
});

test('U21: a damaged file is set aside, as it was, and a new one begun', () => {
  registry.close();
  const bytes = Buffer.from('this is not a database'.repeat(500));
  writeFileSync(folder.file, bytes);
  const opened = openOrBeginAnew({ file: folder.file });
  registry = opened.registry;
  expect(opened.damage?.why).toContain('not a database');
  expect(readFileSync(opened.damage?.aside ?? '')).toEqual(bytes);
  expect(registry.projects.all()).toEqual([]);
});

test('U21: a second one that is set aside does not replace the first', () => {
  registry.close();
  const clock = { now: () => 0, monotonic: () => 0 };
  for (const text of ['one', 'two']) {
    writeFileSync(folder.file, text.repeat(2000));
    openOrBeginAnew({ file: folder.file, clock }).registry.close();
  }
  registry = openRegistry({ file: folder.file });
  expect(names()).toHaveLength(2);
  expect(existsSync(folder.file)).toBe(true);
});

test('U21: an ordinary copy that is put back over it while it is open is not believed', () => {
  const copy = `${folder.file}.yesterday`;
  registry.close();
  copyFileSync(folder.file, copy);
  registry = openRegistry({ file: folder.file });
  registry.projects.save(projectRow({ name: 'today' }));
  copyFileSync(copy, folder.file);
  expect(registry.misplaced()).toMatch(/overwritten/);
});
