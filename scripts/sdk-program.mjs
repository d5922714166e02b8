import path from 'node:path';
import { root } from './root.mjs';

/** What the sdk exports. */
export const sdkEntry = path.join(root, 'packages/sdk/src/index.ts');

/** The sdk and what it takes from other workspaces, for the TypeScript compiler that is given; `more`: compiler options. */
export function sdkProgram(ts, more = {}, entry = sdkEntry) {
  const config = ts.readConfigFile(path.join(root, 'tsconfig.base.json'), ts.sys.readFile).config;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  // Through node_modules the other workspaces would count as foreign, whose declarations are not written.
  const paths = { '@reeve/*': [path.join(root, 'packages/*/src/index.ts')] };
  return ts.createProgram([entry], { ...options, paths, ...more });
}
