// Writes the pages and the schema that are made from the source; with --check it only says which are out of date.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { root } from './root.mjs';
import { renderSdkReference } from './sdk-reference.mjs';

/** Generated file ← source file and the function in it that returns the text (or, for JSON, the value). */
const generated = [
  ['docs/reference/config.md', 'packages/reeve/src/config/generate.ts', 'renderConfigReference'],
  ['packages/reeve/reeve.schema.json', 'packages/reeve/src/config/generate.ts', 'renderJsonSchema'],
  [
    'docs/reference/errors.md',
    'packages/reeve/src/cli/command-line/render-errors-reference.ts',
    'renderErrorsReference',
  ],
  ['docs/reference/cli.md', 'packages/reeve/src/cli/command-line/render-cli-reference.ts', 'renderCliReference'],
];

/** A block of code in a guide whose first line names a file: "```js examples/…/web.js". */
const include = /^```(\w+) (examples\/\S+)\n(?:[\s\S]*?\n)??```$/gm;

/** The guides, each with the programs of examples/ that it shows as they are now. */
function renderGuides() {
  const folder = 'docs/guide';
  const guides = readdirSync(path.join(root, folder)).filter((name) => name.endsWith('.md'));
  return guides.map((name) => {
    const file = `${folder}/${name}`;
    const text = readFileSync(path.join(root, file), 'utf8');
    return { file, text: text.replace(include, (_, language, example) => shown(language, example)) };
  });
}

function shown(language, example) {
  return `\`\`\`${language} ${example}\n${readFileSync(path.join(root, example), 'utf8')}\`\`\``;
}

/** The text of every generated file, as the source of this moment makes it. */
async function render() {
  const missing = generated.map(([, source]) => source).filter((source) => !existsSync(path.join(root, source)));
  if (missing.length > 0)
    throw new Error(`cannot generate, these are missing:\n  ${[...new Set(missing)].join('\n  ')}`);
  const sources = await load([...new Set(generated.map(([, source]) => source))]);
  const made = generated.map(([file, source, name]) => {
    const make = sources[source][name];
    if (typeof make !== 'function') throw new Error(`${source} does not export ${name}`);
    return { file, text: asText(make()) };
  });
  return [...made, { file: 'docs/reference/sdk.md', text: await renderSdkReference() }, ...renderGuides()];
}

/** Bundles the sources on the fly and imports them. */
async function load(sources) {
  const { build } = await import('esbuild');
  const outdir = path.join(root, 'node_modules/.cache/reeve-generate');
  const entryPoints = Object.fromEntries(sources.map((source, index) => [`${index}`, path.join(root, source)]));
  await build({
    entryPoints,
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // Workspaces are source, and bundled; what they stand on is installed at the root.
    alias: { '@reeve/contract': path.join(root, 'packages/contract/src/index.ts') },
    conditions: ['reeve-source'],
    logLevel: 'warning',
  });
  const modules = await Promise.all(
    sources.map((_, index) => import(`${pathToFileURL(`${outdir}/${index}.mjs`)}?${Date.now()}`)),
  );
  return Object.fromEntries(sources.map((source, index) => [source, modules[index]]));
}

function asText(made) {
  const text = typeof made === 'string' ? made : JSON.stringify(made, null, 2);
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** The generated files that differ from what the source makes, each with its first differing line. */
export async function outOfDate() {
  return (await render()).flatMap(({ file, text }) => {
    const place = path.join(root, file);
    const found = existsSync(place) ? readFileSync(place, 'utf8') : '';
    return found === text ? [] : [`${file} ${firstDifference(found, text)}`];
  });
}

function firstDifference(found, text) {
  const [old, now] = [found.split('\n'), text.split('\n')];
  const at = now.findIndex((line, index) => line !== old[index]);
  if (at < 0) return `has lines after its end (line ${now.length})`;
  return `line ${at + 1}: has "${old[at] ?? ''}", should have "${now[at]}"`;
}

export async function generate() {
  for (const { file, text } of await render()) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    if (process.argv.includes('--check')) {
      const stale = await outOfDate();
      if (stale.length > 0) throw new Error(`out of date; run: npm run generate\n  ${stale.join('\n  ')}`);
    } else await generate();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
