import type { Piece } from './interpolate.ts';

/** Shells that take words after `-c` as `$1`, `$2`, … */
const POSIX = /^(?:ba|da|z|k|mk|a|ya)?sh$/;
/** Means the same to every language. */
const HARMLESS = /^[A-Za-z0-9_@%+:,./-]*$/;

type Context = 'plain' | 'single' | 'double' | 'arithmetic' | 'command' | 'backtick' | 'here';

export type Placed =
  | { readonly ok: true; readonly argv: readonly string[] }
  | { readonly ok: false; readonly why: string };

/**
 * A script whose references became values, as `shell -c` gets it. A value is handed over as a word after the script, so
 * that the shell never reads it as code: it is one word outside quotes, and itself inside them.
 */
export function placeValues(shell: string, pieces: readonly Piece[], textOf: (written: string) => string): Placed {
  const name = shell.slice(shell.lastIndexOf('/') + 1);
  const isPosix = POSIX.test(name);
  const values: string[] = [];
  const reader = new QuoteReader();
  let script = '';
  for (const piece of pieces) {
    if (piece.kind === 'text') {
      reader.read(piece.text);
      script += piece.text;
      continue;
    }
    const value = textOf(piece.written);
    if (isPosix) script += parameter(reader.context, values.push(value));
    else if (HARMLESS.test(value)) script += value;
    else return { ok: false, why: `${piece.written} holds characters that ${name} would read as code` };
  }
  return { ok: true, argv: [shell, '-c', script, ...(values.length > 0 ? [shell, ...values] : [])] };
}

function parameter(context: Context, number: number): string {
  if (context === 'single') return `'"\${${number}}"'`;
  return context === 'plain' || context === 'command' || context === 'backtick' ? `"\${${number}}"` : `\${${number}}`;
}

/** Which quotes a place in a script is in. Enough of sh for that: quotes, `$(…)`, `$((…))`, backticks, here-documents. */
class QuoteReader {
  readonly #open: { readonly context: Context; depth: number }[] = [{ context: 'plain', depth: 0 }];
  /** A `<<` was seen: the lines after this one are a here-document. */
  #isHereNext = false;
  #escaped = false;

  get context(): Context {
    return this.#top.context;
  }

  get #top(): { readonly context: Context; depth: number } {
    return this.#open.at(-1) ?? { context: 'plain', depth: 0 };
  }

  read(text: string): void {
    for (let at = 0; at < text.length; at++) at += this.#step(text, at);
  }

  /** Returns how many characters more than one it took. */
  #step(text: string, at: number): number {
    const char = text[at] as string;
    if (this.#escaped) {
      this.#escaped = false;
      return 0;
    }
    const { context } = this.#top;
    if (context === 'single') {
      if (char === "'") this.#open.pop();
      return 0;
    }
    if (char === '\\') this.#escaped = true;
    else if (text.startsWith('$((', at)) return this.#enter('arithmetic', 2);
    else if (text.startsWith('$(', at)) return this.#enter('command', 1);
    else if (char === '`') this.#toggle('backtick');
    else if (char === '"' && context !== 'here' && context !== 'arithmetic') this.#toggle('double');
    else if (context === 'arithmetic') this.#inArithmetic(char);
    else if (context !== 'double' && context !== 'here') return this.#outsideQuotes(text, at, char);
    return 0;
  }

  #outsideQuotes(text: string, at: number, char: string): number {
    if (char === "'") this.#enter('single', 0);
    else if (text.startsWith('<<<', at)) return 2;
    else if (text.startsWith('<<', at)) this.#isHereNext = true;
    else if (char === '\n' && this.#isHereNext) this.#enter('here', 0);
    else if (char === '(') this.#top.depth++;
    else if (char === ')') {
      if (this.#top.depth > 0) this.#top.depth--;
      else if (this.#top.context === 'command') this.#open.pop();
    }
    return 0;
  }

  #inArithmetic(char: string): void {
    if (char === '(') this.#top.depth++;
    if (char === ')' && this.#top.depth-- < 0) this.#open.pop();
  }

  #enter(context: Context, skipped: number): number {
    this.#open.push({ context, depth: 0 });
    return skipped;
  }

  #toggle(context: Context): void {
    if (this.#top.context === context) this.#open.pop();
    else this.#enter(context, 0);
  }
}
