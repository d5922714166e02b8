/** What an env file says, or the first thing in it that cannot be read. */
export type ParsedEnv =
  | { readonly ok: true; readonly values: Readonly<Record<string, string>> }
  | {
      readonly ok: false;
      /** From 1. */
      readonly line: number;
      readonly message: string;
      readonly expected: string;
    };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$', '`': '`' };

class Unreadable extends Error {
  readonly line: number;
  readonly expected: string;
  constructor(line: number, message: string, expected: string) {
    super(message);
    this.line = line;
    this.expected = expected;
  }
}

/**
 * `NAME=value` lines as sh and compose both read them; `#` begins a comment only at the beginning of a line or after a
 * blank. `${…}`, `$X` and backticks are plain text. What one of them would read otherwise is refused, not guessed.
 */
export function parseEnvFile(text: string): ParsedEnv {
  try {
    return { ok: true, values: new EnvReader(text).read() };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { ok: false, line: error.line, message: error.message, expected: error.expected };
  }
}

class EnvReader {
  readonly #text: string;
  readonly #values: Record<string, string> = Object.create(null) as Record<string, string>;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  }

  read(): Readonly<Record<string, string>> {
    while (this.#at < this.#text.length) {
      this.#takeLine();
      this.#at++; // the new line
      this.#line++;
    }
    return this.#values;
  }

  #takeLine(): void {
    const line = this.#rest();
    const blank = /^[ \t]*(?:#.*)?$/.exec(line);
    if (blank !== null) {
      this.#at += line.length;
      return;
    }
    const [head = '', name = '', before = ''] = /^[ \t]*(?:export[ \t]+)?([^=]*?)([ \t]*)(?:=|$)/.exec(line) ?? [];
    if (!head.endsWith('=')) throw this.#wrong(`${show(line)} sets nothing`, 'NAME=value, or # before a comment');
    if (before !== '' || /^[ \t]/.test(line.slice(head.length)) === true) this.#refuseBlanks(line, head, name);
    if (!NAME.test(name))
      throw this.#wrong(
        `${show(name)} is not the name of a variable`,
        'letters, digits and _, not beginning with a digit',
      );
    this.#at += head.length;
    this.#values[name] = this.#value();
  }

  /** `A = b` is a command for sh, `A= ` an empty value for both. */
  #refuseBlanks(line: string, head: string, name: string): void {
    if (head.trimEnd() === head && /^[ \t]*(?:#.*)?$/.test(line.slice(head.length)) && !/[ \t]=$/.test(head)) return;
    throw this.#wrong(`spaces around the = after ${show(name)}`, 'NAME=value, without spaces around =');
  }

  #value(): string {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") return this.#bare();
    const value = quote === '"' ? this.#double() : this.#single();
    const after = this.#rest();
    if (!/^(?:[ \t]+#.*|[ \t]*)$/.test(after))
      throw this.#wrong(`${show(after)} follows a closing quote`, 'the whole value inside one pair of quotes');
    this.#at += after.length;
    return value;
  }

  #bare(): string {
    const line = this.#rest();
    this.#at += line.length;
    return line.replace(/(?:^|[ \t]+)#.*$/, (comment) => (comment.startsWith('#') ? comment : '')).trimEnd();
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw this.#wrong("unclosed quote '", "a closing '");
    return this.#take(end);
  }

  #double(): string {
    for (let end = this.#at + 1; end < this.#text.length; end++) {
      if (this.#text[end] === '\\') end++;
      else if (this.#text[end] === '"') {
        const escaped = (whole: string, char: string): string => (char === '\n' ? '' : (ESCAPES[char] ?? whole));
        return this.#take(end).replace(/\\([\s\S])/g, escaped);
      }
    }
    throw this.#wrong('unclosed quote "', 'a closing "');
  }

  /** What is between two quotes, which may be on different lines. */
  #take(end: number): string {
    const inside = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    this.#line += inside.split('\n').length - 1;
    return inside;
  }

  #rest(): string {
    const end = this.#text.indexOf('\n', this.#at);
    return this.#text.slice(this.#at, end < 0 ? undefined : end);
  }

  #wrong(message: string, expected: string): Unreadable {
    return new Unreadable(this.#line, message, expected);
  }
}

/** It may be a secret: only its beginning is shown. */
function show(text: string): string {
  const line = text.trim();
  return `"${line.length > 12 ? `${line.slice(0, 12)}…` : line}"`;
}
