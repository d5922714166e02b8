import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ReeveError } from '@reeve/contract';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { prepareHome } from './home.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'reeve-home-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const isRoot = process.getuid?.() === 0;
const modeOf = (each: string) => lstatSync(each).mode & 0o7777;

function refusal(home: string): ReeveError {
  try {
    prepareHome(home);
  } catch (error) {
    if (error instanceof ReeveError) return error;
    throw error;
  }
  throw new Error('it was taken for safe');
}

test('everything is made for us alone, whatever the umask, and a second time nothing changes', () => {
  const before = process.umask(0);
  const home = path.join(folder, 'a b/reeve');
  try {
    const paths = prepareHome(home);
    expect(prepareHome(home)).toEqual(paths);
    for (const each of [home, paths.run, paths.sockets, paths.keeper, paths.fifos, paths.logs]) {
      expect(modeOf(each)).toBe(0o700);
    }
  } finally {
    process.umask(before);
  }
});

test('a home that others may write to is refused with the command that fixes it', () => {
  const home = path.join(folder, 'h x');
  mkdirSync(home);
  chmodSync(home, 0o770);
  const error = refusal(home);
  expect(error.code).toBe('HOME_UNSAFE');
  expect(error.hint).toBe(`chmod 700 '${home}'`);
  chmodSync(home, 0o700);
  expect(prepareHome(home).home).toBe(home);
});

test('a run folder that others may enter is refused', () => {
  const { run } = prepareHome(path.join(folder, 'h'));
  chmodSync(run, 0o755);
  expect(refusal(path.join(folder, 'h')).hint).toBe(`chmod 700 ${run}`);
});

test('a symbolic link or a file in its place is refused', () => {
  mkdirSync(path.join(folder, 'real'), 0o700);
  symlinkSync(path.join(folder, 'real'), path.join(folder, 'link'));
  symlinkSync(path.join(folder, 'nowhere'), path.join(folder, 'dangling'));
  writeFileSync(path.join(folder, 'file'), '');
  expect(refusal(path.join(folder, 'link')).message).toMatch(/symbolic link/);
  expect(refusal(path.join(folder, 'dangling')).message).toMatch(/symbolic link/);
  expect(refusal(path.join(folder, 'file')).message).toMatch(/not a folder/);
  expect(refusal(path.join(folder, 'file/below')).message).toMatch(/cannot be made/);
});

test('a folder above that every user may write to is refused, unless it is sticky', () => {
  const open = path.join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  const error = refusal(path.join(open, 'h'));
  expect(error.message).toContain(open);
  expect(error.hint).toBe(`chmod o-w ${open}`);
  chmodSync(open, 0o1777);
  expect(prepareHome(path.join(open, 'h')).home).toBe(path.join(open, 'h'));
});

test('the way through a link is looked at on both sides', () => {
  const open = path.join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  mkdirSync(path.join(open, 'inner'), 0o700);
  symlinkSync(path.join(open, 'inner'), path.join(folder, 'way'));
  expect(refusal(path.join(folder, 'way/h')).message).toContain(open);
});

test.runIf(isRoot)("another user's folder is refused, at the end of the path and above it", () => {
  const theirs = path.join(folder, 'theirs');
  mkdirSync(theirs, 0o755);
  chownSync(theirs, 65534, 65534);
  expect(refusal(theirs).hint).toBe(`sudo chown 0 ${theirs}`);
  mkdirSync(path.join(theirs, 'h'), 0o700);
  expect(refusal(path.join(theirs, 'h')).message).toMatch(/belongs to user 65534/);
});

test('U34: where the sockets of a long home lie depends on the home and the user alone, and the place is ours', () => {
  const home = path.join(folder, 'l'.repeat(100));
  const before = process.env['XDG_RUNTIME_DIR'];
  process.env['XDG_RUNTIME_DIR'] = folder;
  try {
    const paths = prepareHome(home);
    onTestFinished(() => rmSync(paths.sockets, { recursive: true, force: true }));
    expect(paths.sockets).toMatch(new RegExp(`^/tmp/reeve-${process.getuid?.()}-[0-9a-f]{8}$`));
    expect(modeOf(paths.sockets)).toBe(0o700);
  } finally {
    if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
    else process.env['XDG_RUNTIME_DIR'] = before;
  }
});
