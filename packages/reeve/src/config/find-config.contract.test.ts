import { chmod, chown, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findConfig, locateConfig } from '@reeve/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from './load.ts';
import { judge, openConfig } from './open-config.ts';

const isRoot = process.geteuid?.() === 0;
const NOBODY = 65_534;
let root = '';
let count = 0;

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'reeve-find-')));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});
async function tree(...paths: readonly string[]): Promise<string> {
  const made = join(root, `t${count++}`);
  await mkdir(made);
  for (const path of paths) {
    if (path.endsWith('/')) await mkdir(join(made, path), { recursive: true });
    else await writeFile(join(made, path), 'services: {}\n', { mode: 0o644 });
  }
  return made;
}

describe('the config is searched upwards', () => {
  test('the nearest one counts', async () => {
    const made = await tree('reeve.yaml', 'a/b/c/', 'a/reeve.json');
    expect(await findConfig(join(made, 'a/b/c'), undefined)).toBe(join(made, 'a/reeve.json'));
    expect(await findConfig(made, undefined)).toBe(join(made, 'reeve.yaml'));
  });
  test.each([
    'reeve.yaml',
    'reeve.yml',
    'reeve.json',
    'reeve.config.ts',
    'reeve.config.mts',
    'reeve.config.js',
    'reeve.config.mjs',
  ])('%s is one', async (name) => {
    const made = await tree(name);
    expect(await findConfig(made, undefined)).toBe(join(made, name));
  });
  test('not beyond the git root', async () => {
    const made = await tree('reeve.yaml', 'repo/.git/', 'repo/src/');
    expect(await findConfig(join(made, 'repo/src'), undefined)).toBeNull();
  });
  test('in the git root itself', async () => {
    const made = await tree('repo/.git/', 'repo/src/', 'repo/reeve.yaml');
    expect(await findConfig(join(made, 'repo/src'), undefined)).toBe(join(made, 'repo/reeve.yaml'));
  });
  test('not beyond home', async () => {
    const made = await tree('reeve.yaml', 'home/me/mine/');
    expect(await findConfig(join(made, 'home/me/mine'), join(made, 'home/me'))).toBeNull();
  });
  test('not into a sticky folder', async () => {
    const made = await tree('reeve.yaml', 'mine/');
    await chmod(made, 0o1777);
    expect(await findConfig(join(made, 'mine'), undefined)).toBeNull();
    await chmod(made, 0o755);
    expect(await findConfig(join(made, 'mine'), undefined)).toBe(join(made, 'reeve.yaml'));
  });
  test('two side by side are refused, both named', async () => {
    const made = await tree('reeve.yaml', 'reeve.config.ts');
    await expect(findConfig(made, undefined)).rejects.toMatchObject({
      code: 'CONFIG_AMBIGUOUS',
      exit: 2,
      message: expect.stringMatching(/reeve\.yaml and .*reeve\.config\.ts/),
    });
  });
  test('none is an error of its own', async () => {
    const made = await tree('.git/');
    await expect(locateConfig(made, undefined)).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND', exit: 2 });
  });
});

describe('a config is trusted', () => {
  test('not when it is world-writable', async () => {
    const made = await tree('reeve.yaml');
    await chmod(join(made, 'reeve.yaml'), 0o666);
    await expect(loadConfig({ cwd: made, env: {} })).rejects.toMatchObject({
      code: 'CONFIG_UNTRUSTED',
      exit: 2,
      hint: expect.stringContaining('chmod o-w'),
    });
  });
  test.runIf(isRoot)('by root also when it is another user’s, which is noted', async () => {
    const made = await tree('reeve.yaml');
    await chown(join(made, 'reeve.yaml'), NOBODY, NOBODY);
    expect((await loadConfig({ cwd: made, env: {} })).notes.join()).toContain(`belongs to user ${NOBODY}`);
  });
  test('by others only when it is theirs or root’s', () => {
    expect(judge('f', { mode: 0o100644, uid: 1000 }, 1000)).toEqual([]);
    expect(judge('f', { mode: 0o100644, uid: 0 }, 1000)).toEqual([]);
    expect(() => judge('f', { mode: 0o100644, uid: 1001 }, 1000)).toThrow('it belongs to another user (uid 1001)');
    expect(() => judge('f', { mode: 0o100646, uid: 1000 }, 1000)).toThrow('it is world-writable');
    expect(() => judge('f', { mode: 0o100646, uid: 1000 }, 0)).toThrow('it is world-writable');
  });
  test('only when it is a file', async () => {
    const made = await tree('reeve.yaml/');
    await expect(openConfig(join(made, 'reeve.yaml'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('is not a file'),
    });
    await expect(openConfig('/dev/null')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
  test('a named one that is not there is not found', async () => {
    await expect(loadConfig({ cwd: root, file: 'gone.yaml', env: {} })).rejects.toMatchObject({
      code: 'NOTHING_FOUND',
      exit: 4,
    });
  });
  test('an unknown ending is refused', async () => {
    const made = await tree('reeve.toml');
    await expect(loadConfig({ cwd: made, file: 'reeve.toml', env: {} })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('.yaml'),
    });
  });
});
