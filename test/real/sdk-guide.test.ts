import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
/** What docs/guide/library.md shows; the check of generated files sees to it that it does. */
const source = path.join(root, 'examples/library');
let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'rv-guide-')));
  mkdirSync(path.join(folder, 'node_modules/@reeve'), { recursive: true });
  symlinkSync(path.join(root, 'packages/sdk'), path.join(folder, 'node_modules/@reeve/sdk'));
  symlinkSync(path.join(root, 'node_modules/@types'), path.join(folder, 'node_modules/@types'));
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  const options = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    strict: true,
    types: ['node'],
    outDir: 'out',
  };
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }));
  cpSync(source, folder, { recursive: true });
  try {
    execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc')], {
      cwd: folder,
      encoding: 'utf8',
    });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a compiled example; one that says `ready` is asked to stop. */
async function run(name: string): Promise<{ code: number | null; lines: readonly string[]; stderr: string }> {
  const env = { PATH: process.env['PATH'], HOME: folder, REEVE_HOME: path.join(folder, 'home'), REEVE_PROJECT: 'shop' };
  const child = spawn(process.execPath, [`out/${name}.js`], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    if (/^ready$/m.test(stdout)) child.kill('SIGTERM');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: stdout.trim().split('\n'), stderr };
}

const expected: Readonly<Record<string, readonly string[]>> = {
  'web-editor': ['ready'],
  'long-form': ['imported', 'cleaned up', 'imported', 'cleaned up'],
  worker: ['database of shop is not ready after 0.2 s: no service of that name is known', 'ready'],
  stack: ['cleaning up', 'cache-stack live done', 'null'],
  manager: ['true true', 'protected', 'still taken', '1 true', '0 not_found', 'true', 'bye'],
};

test('every example of the guide is known here', () => {
  const names = readdirSync(source).map((file) => path.basename(file, '.ts'));
  expect(names.sort()).toEqual(Object.keys(expected).sort());
});

test.each(Object.entries(expected))(
  'the example %s compiles, runs and says what the guide promises',
  async (name, lines) => {
    expect(await run(name)).toEqual({ code: 0, lines, stderr: expect.not.stringContaining('rror') });
  },
);
