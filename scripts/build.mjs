// Bundles the packages into their dist folders: `node scripts/build.mjs`, or import { build }.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './root.mjs';

/** Never bundled: native bindings, and jiti, which must find its own files. */
const external = ['koffi', '@photostructure/sqlite', 'jiti'];

/** Bundled CommonJS (pino, yaml) asks for `require`, which an ES module does not have. */
const requireForCommonJs =
  "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);";

/** A CommonJS bundle has no `import.meta`. */
const urlForModules = "const __url = require('node:url').pathToFileURL(__filename).href;";

/** What is built. `commonJs`: for programs that `require` it. `lazy`: dynamic imports become chunks, read only when they are needed. */
const targets = [
  { dist: 'packages/reeve/dist', entries: { cli: 'packages/reeve/src/cli/bin.ts' }, lazy: true },
  { dist: 'packages/reeve/dist', entries: { reeved: 'packages/reeve/src/daemon/bin.ts' }, lazy: true },
  { dist: 'packages/reeve/dist', entries: { keeper: 'packages/reeve/src/keeper/main.ts' } },
  { dist: 'packages/reeve/dist', entries: { config: 'packages/reeve/src/config/define.ts' } },
  { dist: 'packages/sdk/dist', entries: { index: 'packages/sdk/src/index.ts' } },
  { dist: 'packages/sdk/dist', entries: { 'cjs/index': 'packages/sdk/src/index.ts' }, commonJs: true },
];

const copies = [{ file: 'packages/reeve/dist/reeve.schema.json', source: 'packages/reeve/reeve.schema.json' }];

/**
 * Builds everything in memory, then puts each changed file in place by rename and removes what is no longer made: a
 * program that runs from dist never meets half a file, and two builds at once do not harm each other.
 * Throws when an entry does not exist or does not compile.
 */
export async function build() {
  refuseMissingEntries();
  // Imported here and not above: it needs packages that setup.mjs may have to install first.
  const { configDeclaration, sdkDeclarations } = await import('./declarations.mjs');
  const bundled = await Promise.all(targets.map(bundle));
  const typed = [configDeclaration(), ...(await sdkDeclarations())];
  const made = new Map([...bundled.flat(), ...copies.map(copied), ...typed]);
  for (const [file, content] of made) place(file, content);
  for (const dist of new Set(targets.map((target) => target.dist))) removeStale(path.join(root, dist), made);
}

function refuseMissingEntries() {
  const wanted = [...targets.flatMap((target) => Object.values(target.entries)), ...copies.map((copy) => copy.source)];
  const missing = wanted.filter((file) => !existsSync(path.join(root, file)));
  if (missing.length > 0) throw new Error(`cannot build, these are missing:\n  ${missing.join('\n  ')}`);
}

async function bundle({ dist, entries, lazy = false, commonJs = false }) {
  const { build: esbuild } = await import('esbuild');
  const result = await esbuild({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: dist,
    bundle: true,
    write: false,
    format: commonJs ? 'cjs' : 'esm',
    platform: 'node',
    target: 'node20',
    splitting: lazy,
    chunkNames: 'chunks/[name]-[hash]',
    external,
    conditions: ['reeve-source'],
    banner: { js: commonJs ? urlForModules : requireForCommonJs },
    define: commonJs ? { 'import.meta.url': '__url' } : {},
    minifyWhitespace: true,
    minifySyntax: true,
    // Names stay and lines stay short, so that a stack trace in a bug report says something.
    lineLimit: 120,
    legalComments: 'none',
    logLevel: 'warning',
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
    // A draft of another build that runs right now is not ours to remove.
    if (entry.isFile() && !made.has(file) && !file.endsWith('.new')) rmSync(file, { force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const began = performance.now();
  try {
    await build();
    console.log(`built in ${Math.round(performance.now() - began)} ms`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
