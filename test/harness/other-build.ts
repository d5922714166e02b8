import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'esbuild';
import { programFiles } from '../../scripts/program.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const source = path.join(root, 'packages/reeve/src');

/** Source files (below packages/reeve/src, or `@contract/keeper.ts` of the contract) and what becomes of their text. */
export type Changes = Readonly<Record<string, (text: string) => string>>;

/**
 * Builds the product into `folder` with some of its source changed: the version that comes next, or one that is broken.
 * Returns the file of its command, for `run(args, { bin })`. Throws when a change changes nothing.
 */
export async function otherBuild(folder: string, changes: Changes): Promise<string> {
  const used = new Set<string>();
  const dist = path.join(folder, 'dist');
  mkdirSync(path.join(dist, 'code'), { recursive: true });
  for (const [name, entry] of [
    ['cli', 'cli/bin.ts'],
    ['reeved', 'daemon/bin.ts'],
    ['keeper', 'keeper/main.ts'],
  ] as const) {
    const files = await programFiles(dist, name, path.join(source, entry), {
      logLevel: 'error',
      plugins: [changing(changes, used)],
    });
    for (const [file, text] of files) writeFileSync(file, text);
  }
  const idle = Object.keys(changes).filter((name) => !used.has(name));
  if (idle.length > 0) throw new Error(`nothing was built from ${idle.join(', ')}`);
  cpSync(path.join(root, 'packages/reeve/bin'), path.join(folder, 'bin'), { recursive: true });
  writeFileSync(path.join(dist, 'package.json'), '{ "type": "commonjs" }\n');
  cpSync(path.join(root, 'packages/reeve/package.json'), path.join(folder, 'package.json'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  return path.join(folder, 'bin/reeve.js');
}

function changing(changes: Changes, used: Set<string>): Plugin {
  return {
    name: 'other-build',
    setup(esbuild) {
      for (const [name, change] of Object.entries(changes)) {
        const file = name.startsWith('@contract/')
          ? path.join(root, 'packages/contract/src', name.slice('@contract/'.length))
          : path.join(source, name);
        esbuild.onLoad({ filter: new RegExp(`^${file.replaceAll('.', '\\.')}$`) }, () => {
          const before = readFileSync(file, 'utf8');
          const after = change(before);
          if (after === before) throw new Error(`the change of ${name} changes nothing`);
          used.add(name);
          return { contents: after, loader: 'ts' };
        });
      }
    },
  };
}

/** The next version; nothing else is different. */
export const nextVersion = (version = '9.9.9'): Changes => ({
  'base/version.ts': () => `export const REEVE_VERSION = '${version}';\n`,
});

/** A later schema: one more step, made of these statements. */
export const nextSchema = (statements: readonly string[]): Changes => ({
  'registry/migrations.ts': (text) =>
    text.replace(
      /(MIGRATIONS: readonly Migration\[\] = \[)([\s\S]*?)(,?\s*\];)/,
      (_, head: string, steps: string, tail: string) =>
        `${head}${steps}, { version: ${steps.split('version:').length}, statements: ${JSON.stringify(statements)} }${tail}`,
    ),
});

/** A program that is none. */
export function brokenBuild(folder: string, code: string): string {
  mkdirSync(path.join(folder, 'dist'), { recursive: true });
  const file = path.join(folder, 'dist/reeved.js');
  writeFileSync(file, code);
  return file;
}
