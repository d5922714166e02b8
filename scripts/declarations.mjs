import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './root.mjs';
import { typeOf } from './schema-types.mjs';
import { sdkEntry, sdkProgram } from './sdk-program.mjs';

/** The types of `reeve/config` (config/define.ts), from the same schema that checks a config. Returns [file, text]. */
export function configDeclaration() {
  const schema = JSON.parse(readFileSync(path.join(root, 'packages/reeve/reeve.schema.json'), 'utf8'));
  const text = `/** What reeve.yaml holds. */
export type Config = ${typeOf(schema)};

type ServiceConfig = Config['services'][string];
type Dependency = Exclude<NonNullable<ServiceConfig['depends_on']>, readonly unknown[]>[string];

/** A service whose \`depends_on\` may only name services of the same config. */
export type ServiceOf<Name extends string> = Omit<ServiceConfig, 'depends_on'> & {
  readonly depends_on?: readonly Name[] | { readonly [K in Name]?: Dependency };
};
export type ConfigOf<Name extends string> = Omit<Config, 'services'> & {
  readonly services: { readonly [K in Name]: ServiceOf<NoInfer<Name>> };
};

/** For \`reeve.config.ts\`: gives the config back as it is, checked and completed by the editor. */
export declare function defineConfig<const Name extends string>(config: ConfigOf<Name>): ConfigOf<Name>;
`;
  return [path.join(root, 'packages/reeve/dist/config.d.mts'), text];
}

/**
 * The declarations of the sdk and of what it takes from other workspaces, file by file, with imports made relative:
 * the other workspaces are not published. Twice: in a folder that says it is CommonJS the same text means that.
 * Returns [file, text] pairs.
 */
export async function sdkDeclarations() {
  const { default: ts } = await import('typescript');
  const entry = sdkEntry;
  const emitted = emit(ts);
  const written = new Map();
  const waiting = [entry];
  for (let source = waiting.pop(); source !== undefined; source = waiting.pop()) {
    if (written.has(source)) continue;
    const text = emitted.get(source).replace(/((?:from|import)\s*\(?\s*')([^']+)(')/g, (whole, before, name, after) => {
      const target = resolve(name, source);
      if (target === null) return whole;
      waiting.push(target);
      return before + relative(place(source, entry), place(target, entry)) + after;
    });
    written.set(source, text);
  }
  const dist = path.join(root, 'packages/sdk/dist');
  const declared = [...written].map(([source, text]) => [place(source, entry), text]);
  const again = declared.map(([file, text]) => [path.join(dist, 'cjs', path.relative(dist, file)), text]);
  return [...declared, ...again, [path.join(dist, 'cjs/package.json'), '{ "type": "commonjs" }\n']];
}

/** Source file → its declarations, for the entry and all it imports. */
function emit(ts) {
  const emitted = new Map();
  const program = sdkProgram(ts, { noEmit: false, declaration: true, emitDeclarationOnly: true });
  program.emit(undefined, (_file, text, _mark, _onError, sources) => emitted.set(sources[0].fileName, text));
  return emitted;
}

/** The source file of a relative import or of another workspace; null for Node and packages. */
function resolve(name, source) {
  if (name.startsWith('.')) return path.resolve(path.dirname(source), name);
  const workspace = /^@reeve\/(contract|host)$/.exec(name)?.[1];
  return workspace === undefined ? null : path.join(root, `packages/${workspace}/src/index.ts`);
}

/** packages/sdk/src/x.ts → packages/sdk/dist/types/sdk/x.d.ts; the entry itself is dist/index.d.ts. */
function place(source, entry) {
  const dist = path.join(root, 'packages/sdk/dist');
  if (source === entry) return path.join(dist, 'index.d.ts');
  const inside = path
    .relative(path.join(root, 'packages'), source)
    .replace(/\/src\//, '/')
    .replace(/\.ts$/, '.d.ts');
  return path.join(dist, 'types', inside);
}

function relative(from, to) {
  const way = path.relative(path.dirname(from), to).replace(/\.d\.ts$/, '.js');
  return way.startsWith('.') ? way : `./${way}`;
}
