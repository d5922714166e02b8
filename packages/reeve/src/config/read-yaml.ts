import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import {
  type Entry,
  list,
  MAX_DEPTH,
  MAX_VALUES,
  map,
  type Place,
  SyntaxProblem,
  scalar,
  type TreeNode,
} from './tree.ts';

/** YAML 1.2 with the place of every value; null for a file that holds nothing. Throws {@link SyntaxProblem}. */
export function readYaml(text: string): TreeNode | null {
  refuseDeep(text);
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
  const error = document.errors[0];
  if (error) throw new SyntaxProblem(say(error.code, error.message), place(error.pos));
  const warning = document.warnings[0];
  if (warning) throw new SyntaxProblem(warning.message, place(warning.pos), 'plain YAML without tags');
  const root = new YamlReader(document).read();
  return root;
}

const place = ([start, end]: readonly [number, number]): Place => ({ start, end });

function say(code: string, message: string): string {
  if (code === 'TAB_AS_INDENT') return 'tab used for indentation: YAML requires spaces';
  if (code === 'MULTIPLE_DOCS') return 'the file holds a second YAML document: one is expected';
  if (code === 'BLOCK_AS_IMPLICIT_KEY') return 'a second `: ` on one line: quote the value, or put it on its own line';
  return message;
}

/** The composer recurses and a file made to hurt would end the process, so the depth is counted on the tokens before. */
function refuseDeep(text: string): void {
  let flow = 0;
  let offset = 0;
  let atLineStart = true;
  let columns: number[] = [];
  let column = 0;
  for (const token of new Lexer().lex(text)) {
    if (token.endsWith('\n')) [atLineStart, column] = [true, 0];
    else if (
      flow === 0 &&
      !token.startsWith('#') &&
      (token === '-' || token === '?' || (atLineStart && token.trim() !== ''))
    ) {
      const here = column;
      if (atLineStart) columns = columns.filter((c) => c < here);
      columns.push(here);
      atLineStart = false;
    }
    if (token === '[' || token === '{') flow++;
    if (token === ']' || token === '}') flow = Math.max(0, flow - 1);
    if (flow + columns.length > MAX_DEPTH)
      throw new SyntaxProblem(`nested more than ${MAX_DEPTH} levels deep`, { start: offset, end: offset + 1 });
    if (!'\u0002\u0018\u001f\uFEFF'.includes(token)) {
      offset += token.length;
      if (!token.endsWith('\n')) column += token.length;
    }
  }
}

class YamlReader {
  readonly #document: Document.Parsed;
  readonly #anchors = new Map<string, TreeNode>();

  constructor(document: Document.Parsed) {
    this.#document = document;
  }

  read(): TreeNode | null {
    const { contents } = this.#document;
    if (contents === null || (isScalar(contents) && contents.value === null && !contents.source)) return null;
    return this.#node(contents);
  }

  #node(node: unknown): TreeNode {
    if (isAlias(node)) return this.#alias(node.source, rangeOf(node));
    const tree = this.#plain(node);
    if (tree.size > MAX_VALUES)
      throw new SyntaxProblem(`more than ${MAX_VALUES} values (aliases count as often as they are used)`, tree.at);
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, tree);
    return tree;
  }

  #plain(node: unknown): TreeNode {
    if (isMap(node)) return this.#map(node as YAMLMap<unknown, unknown>);
    if (isSeq(node)) {
      return list(
        node.items.map((item) => this.#node(item)),
        rangeOf(node),
      );
    }
    if (isScalar(node)) return yamlScalar(node);
    return scalar(null, '', { start: 0, end: 0 });
  }

  #alias(name: string, at: Place): TreeNode {
    const target = this.#anchors.get(name);
    if (!target) throw new SyntaxProblem(`the alias *${name} has no anchor &${name} before it`, at);
    return target;
  }

  #map(node: YAMLMap<unknown, unknown>): TreeNode {
    const entries = new Map<string, Entry>();
    const merged: Entry[] = [];
    for (const pair of node.items as Pair<unknown, unknown>[]) {
      const { key } = pair;
      if (!isScalar(key))
        throw new SyntaxProblem('a key must be plain text', rangeOf(key as Scalar), 'a name before the colon');
      const at = rangeOf(key);
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
      if (entries.has(name)) throw new SyntaxProblem(`duplicate key ${JSON.stringify(name)}`, at);
      const value = pair.value === null ? scalar(null, '', { start: at.end, end: at.end }) : this.#node(pair.value);
      if (name === '<<' && key.type === 'PLAIN') merged.push({ key: at, value });
      else entries.set(name, { key: at, value });
    }
    for (const entry of merged) merge(entries, entry);
    return map(entries, rangeOf(node));
  }
}

/** `<<: *base`: what the map does not say itself comes from the base. */
function merge(entries: Map<string, Entry>, { key, value }: Entry): void {
  const sources = value.kind === 'list' ? value.items : [value];
  for (const source of sources) {
    if (source.kind !== 'map') throw new SyntaxProblem('`<<` merges maps only', key, 'an alias of a map');
    for (const [name, entry] of source.entries) if (!entries.has(name)) entries.set(name, entry);
  }
}

function yamlScalar(node: Scalar): TreeNode {
  const { value } = node;
  const at = rangeOf(node);
  if (typeof value === 'string') return scalar(value, value, at);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null)
    return scalar(value, node.source ?? '', at);
  const text = node.source ?? String(value);
  return scalar(text, text, at);
}

function rangeOf(node: { readonly range?: readonly [number, number, number] | null | undefined }): Place {
  return node.range ? { start: node.range[0], end: node.range[1] } : { start: 0, end: 0 };
}
