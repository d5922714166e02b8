// A program of reeve as files: one bundle, named by its hash, and a small loader that runs it with V8's code cache.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { build as esbuild } from 'esbuild';
import { root } from './root.mjs';

/** Never bundled: native bindings, and jiti, which must find its own files. */
const external = ['koffi', '@photostructure/sqlite', 'jiti'];

/** `import.meta.url` of a bundle is the loader's: beside it lie the other programs. */
const urlOfLoader = "const __url = require('node:url').pathToFileURL(__filename).href;";

/** What a bundle is built with; `plugins` and more may be added. */
export const programOptions = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  external,
  conditions: ['reeve-source'],
  // `import()` becomes `require`: a script that is run from a cache has no module loader.
  supported: { 'dynamic-import': false },
  banner: { js: urlOfLoader },
  define: { 'import.meta.url': '__url' },
  minifyWhitespace: true,
  minifySyntax: true,
  // Names stay and lines stay short, so that a stack trace in a bug report says something.
  lineLimit: 120,
  legalComments: 'none',
  logLevel: 'warning',
};

/**
 * The files of one program below `dist`, as [path, text]: `NAME.js`, which is started, and `code/NAME-HASH.js`.
 * CommonJS in one file, because reading one more module costs more than the code in it.
 */
export async function programFiles(dist, name, entry, options = {}) {
  const result = await esbuild({
    ...programOptions,
    ...options,
    entryPoints: [entry],
    outdir: path.join(dist, 'code'),
  });
  const [bundle] = result.outputFiles;
  // One byte a character: V8 reads it faster, and the loader relies on it. esbuild leaves only regular expressions as they are.
  const text = bundle.text.replace(/[^\x00-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return [
    [path.join(dist, `${name}.js`), loader(`${name}-${hash}`, null)],
    [path.join(dist, 'code', `${name}-${hash}.js`), text],
  ];
}

/**
 * The loader of a bundle. The cache fits one version of V8 and is checked by V8 itself; without one that fits, Node's
 * own compile cache is used where there is one. `record`: a folder with the bundle, where the cache is written when the
 * program ends (code-cache.mjs); null: that of the loader.
 */
export function loader(bundle, record) {
  const folder = record === null ? "join(__dirname, 'code')" : JSON.stringify(record);
  return `'use strict';
const { readFileSync${record === null ? '' : ', writeFileSync'} } = require('node:fs');
const module_ = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');
const filename = join(${folder}, '${bundle}.js');
const cacheFile = filename.slice(0, -3) + '-' + process.versions.v8 + '-' + process.arch + '.cache';
let cachedData;
try {
  cachedData = readFileSync(cacheFile);
} catch {
  module_.enableCompileCache?.();
}
const wrapped = '(function (exports, require, module, __filename, __dirname) {' + readFileSync(filename, 'latin1') + '\\n})';
const script = new Script(wrapped, { filename, cachedData });
${record === null ? '' : "process.on('exit', () => writeFileSync(cacheFile, script.createCachedData()));\n"}script.runInThisContext()(exports, require, module, __filename, __dirname);
`;
}
