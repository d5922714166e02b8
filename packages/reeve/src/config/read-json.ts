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

/** JSON with the place of every value, which `JSON.parse` does not keep. Throws {@link SyntaxProblem}. */
export function readJson(text: string): TreeNode {
  return new JsonReader(text).read();
}

const NUMBER = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORDS: Readonly<Record<string, true | false | null>> = { true: true, false: false, null: null };

class JsonReader {
  readonly #text: string;
  #at = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text.startsWith('\uFEFF') ? ` ${text.slice(1)}` : text;
  }

  read(): TreeNode {
    const root = this.#value(0);
    this.#blank();
    if (this.#at < this.#text.length) this.#refuse('unexpected text after the end of the JSON value', null);
    return root;
  }

  #value(depth: number): TreeNode {
    this.#blank();
    if (depth > MAX_DEPTH) this.#refuse(`nested more than ${MAX_DEPTH} levels deep`, null);
    if (++this.#values > MAX_VALUES) this.#refuse(`more than ${MAX_VALUES} values`, null);
    const start = this.#at;
    const char = this.#text[start];
    if (char === '{') return this.#object(depth);
    if (char === '[') return this.#array(depth);
    if (char === '"') {
      const value = this.#string();
      return scalar(value, value, { start, end: this.#at });
    }
    const number = this.#match(NUMBER);
    if (number !== null) return scalar(Number(number), number, { start, end: this.#at });
    const word = /[a-z]*/y;
    word.lastIndex = start;
    const found = word.exec(this.#text)?.[0] ?? '';
    if (!Object.hasOwn(WORDS, found)) this.#refuse(this.#unexpected(), 'a JSON value');
    this.#at += found.length;
    return scalar(WORDS[found] as boolean | null, found, { start, end: this.#at });
  }

  #object(depth: number): TreeNode {
    const start = this.#at++;
    const entries = new Map<string, Entry>();
    for (this.#blank(); this.#text[this.#at] !== '}'; ) {
      if (this.#text[this.#at] !== '"') this.#refuse(this.#unexpected(), 'a key in double quotes');
      const key: Place = { start: this.#at, end: this.#at };
      const name = this.#string();
      if (entries.has(name))
        throw new SyntaxProblem(`duplicate key ${JSON.stringify(name)}`, { ...key, end: this.#at });
      const place = { ...key, end: this.#at };
      this.#blank();
      if (this.#text[this.#at] !== ':') this.#refuse(this.#unexpected(), '`:` after the key');
      this.#at++;
      entries.set(name, { key: place, value: this.#value(depth + 1) });
      this.#separator('}');
    }
    this.#at++;
    return map(entries, { start, end: this.#at });
  }

  #array(depth: number): TreeNode {
    const start = this.#at++;
    const items: TreeNode[] = [];
    for (this.#blank(); this.#text[this.#at] !== ']'; ) {
      items.push(this.#value(depth + 1));
      this.#separator(']');
    }
    this.#at++;
    return list(items, { start, end: this.#at });
  }

  #separator(close: string): void {
    this.#blank();
    if (this.#text[this.#at] === close) return;
    if (this.#text[this.#at] !== ',') this.#refuse(this.#unexpected(), `\`,\` or \`${close}\``);
    this.#at++;
    this.#blank();
    if (this.#text[this.#at] === close)
      this.#refuse(`a comma before \`${close}\` is not JSON`, 'no comma after the last one');
  }

  #string(): string {
    const found = this.#match(STRING);
    if (found === null)
      this.#refuse('this string is not closed, or contains a character that must be escaped', 'text in double quotes');
    return JSON.parse(found) as string;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  #blank(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
  }

  #unexpected(): string {
    const char = this.#text[this.#at];
    return char === undefined ? 'the JSON ends too early' : `unexpected ${JSON.stringify(char)}`;
  }

  #refuse(message: string, expected: string | null): never {
    throw new SyntaxProblem(message, { start: this.#at, end: this.#at + 1 }, expected);
  }
}
