// Bundles the packages into their dist folders: `node scripts/build.mjs [--code-cache]`, or import { build }.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { recordCodeCache } from './code-cache.mjs';
import { root } from './root.mjs';

/** Programs: see program.mjs. */
const programs = {
  cli: 'packages/reeve/src/cli/bin.ts',
  reeved: 'packages/reeve/src/daemon/bin.ts',
  keeper: 'packages/reeve/src/keeper/main.ts',
};

/** Libraries. `commonJs`: for programs that `require` it. */
const libraries = [
  { out: 'packages/reeve/dist/config.mjs', entry: 'packages/reeve/src/config/define.ts' },
  { out: 'packages/sdk/dist/index.js', entry: 'packages/sdk/src/index.ts' },
  { out: 'packages/sdk/dist/cjs/index.js', entry: 'packages/sdk/src/index.ts', commonJs: true },
];

const copies = [{ file: 'packages/reeve/dist/reeve.schema.json', source: 'packages/reeve/reeve.schema.json' }];

/**
 * Builds everything in memory, then puts each changed file in place by rename and removes what is no longer made: a
 * program that runs from dist never meets half a file, and two builds at once do not harm each other.
 * `codeCache`: programs start faster (a few seconds more). Throws when an entry does not exist or does not compile.
 */
export async function build({ codeCache = false } = {}) {
  refuseMissingEntries();
  // Imported here and not above: it needs packages that setup.mjs may have to install first.
  const { configDeclaration, sdkDeclarations } = await import('./declarations.mjs');
  const { programFiles } = await import('./program.mjs');
  const [reeve, sdk] = ['packages/reeve/dist', 'packages/sdk/dist'].map((dist) => path.join(root, dist));
  const bundled = await Promise.all([
    ...Object.entries(programs).map(([name, entry]) => programFiles(reeve, name, entry)),
    ...libraries.map(bundle),
  ]);
  const typed = [configDeclaration(), ...(await sdkDeclarations())];
  const made = new Map([
    ...bundled.flat(),
    ...copies.map(copied),
    [path.join(reeve, 'package.json'), '{ "type": "commonjs" }\n'],
    ...typed,
  ]);
  for (const [file, content] of made) place(file, content);
  for (const dist of [reeve, sdk]) removeStale(dist, made);
  const wrong = codeCache ? await recordCodeCache() : null;
  if (wrong !== null) console.log(`built without a code cache: ${wrong}`);
}

function refuseMissingEntries() {
  const wanted = [
    ...Object.values(programs),
    ...libraries.map(({ entry }) => entry),
    ...copies.map((copy) => copy.source),
  ];
  const missing = wanted.filter((file) => !existsSync(path.join(root, file)));
  if (missing.length > 0) throw new Error(`cannot build, these are missing:\n  ${missing.join('\n  ')}`);
}

async function bundle({ out, entry, commonJs = false }) {
  const { build: esbuild } = await import('esbuild');
  const { programOptions } = await import('./program.mjs');
  const result = await esbuild({
    ...programOptions,
    entryPoints: [entry],
    outfile: out,
    format: commonJs ? 'cjs' : 'esm',
    banner: commonJs ? programOptions.banner : {},
    define: commonJs ? programOptions.define : {},
    supported: {},
  });
  return result.outputFiles.map((file) => [file.path, file.text]);
}

function copied({ file, source }) {
  return [path.join(root, file), readFileSync(path.join(root, source), 'utf8')];
}

function place(file, content) {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) return;
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, content);
  renameSync(draft, file);
}

function removeStale(dist, made) {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    // A draft of another build that runs right now is not ours to remove; a code cache stays as long as its bundle.
    const [, bundle] = /^(.*-[0-9a-f]{12})-.*\.cache$/.exec(file) ?? [];
    const stays = made.has(file) || file.endsWith('.new') || (bundle !== undefined && made.has(`${bundle}.js`));
    if (entry.isFile() && !stays) rmSync(file, { force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const began = performance.now();
  try {
    await build({ codeCache: process.argv.includes('--code-cache') });
    console.log(`built in ${Math.round(performance.now() - began)} ms`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
