import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytesOfText } from '../base/raw-bytes.ts';
import { readEnvFiles } from './env-files.ts';

let root = '';
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'reeve-env-')));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

test('env files are read in the order given, as they are', async () => {
  await writeFile(join(root, 'a'), '# note\nA=1\nexport B="two words"\nC=${A}\nD=\'x#y\'\n__proto__=p\n');
  await writeFile(join(root, 'b'), 'A=2\n');
  const [first, second] = await readEnvFiles([join(root, 'a'), join(root, 'b')]);
  expect({ ...first }).toMatchObject({ A: '1', B: 'two words', C: '${A}', D: 'x#y' });
  expect({ ...second }).toEqual({ A: '2' });
});
test('U5: what cannot be read is refused with file, line and what was expected; other bytes are kept', async () => {
  await writeFile(join(root, 'bad'), 'A=1\nprose\n');
  await expect(readEnvFiles([join(root, 'bad')])).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `${join(root, 'bad')}:2: "prose" sets nothing`,
    hint: 'expected: NAME=value, or # before a comment',
  });
  const bytes = Buffer.from([0xef, 0xbb, 0xbf, ...Buffer.from('A="é '), 0xe9, 0xff, ...Buffer.from('"\n')]);
  await writeFile(join(root, 'latin'), bytes);
  const [latin] = await readEnvFiles([join(root, 'latin')]);
  expect(bytesOfText(latin?.['A'] ?? '')).toEqual(Buffer.from([...Buffer.from('é '), 0xe9, 0xff]));
});

test.each([
  ['gone', null, 'it does not exist'],
  ['nul', 'A=\0\n', 'NUL'],
  ['large', 'A=1\n'.repeat(300_000), 'larger than'],
])('a file that is %s is refused by name', async (name, text, why) => {
  const path = join(root, name);
  if (text !== null) await writeFile(path, text);
  await expect(readEnvFiles([path])).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(new RegExp(`${name}: .*${why}`)),
  });
});
test('a folder and a device are not env files', async () => {
  await expect(readEnvFiles([root])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(readEnvFiles(['/dev/null'])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
