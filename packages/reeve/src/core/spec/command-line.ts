import type { CommandSpec } from '@reeve/contract';
import { hasReference, parseTemplate } from './interpolate.ts';

/** What a string command means. Source: DESIGN.md, "A string command". */
export type Decided =
  | { readonly kind: 'argv'; readonly argv: readonly string[] }
  /** `why` completes "runs through /bin/sh: …". */
  | { readonly kind: 'shell'; readonly why: string }
  | { readonly kind: 'wrong'; readonly why: string; readonly at: number };

const SYNTAX = new Set('|&;<>()$`*?[~#{\n');
/** A new line is both: syntax for the rule, and a blank where the shell is ruled out. */
const BLANK = new Set(' \t\r\n');
const KEYWORDS = [
  '!',
  'case',
  'do',
  'done',
  'elif',
  'else',
  'esac',
  'fi',
  'for',
  'if',
  'in',
  'then',
  'until',
  'while',
  '}',
];
/** Built-ins that have no program on a Linux system; `echo`, `test`, `printf`, `kill`, `true` … have one. */
const BUILT_INS = [
  ...['.', ':', 'alias', 'bg', 'break', 'cd', 'command', 'continue', 'eval', 'exec', 'exit', 'export', 'fc', 'fg'],
  ...[
    'getopts',
    'hash',
    'jobs',
    'local',
    'read',
    'readonly',
    'return',
    'set',
    'shift',
    'source',
    'times',
    'trap',
    'type',
  ],
  ...['ulimit', 'umask', 'unalias', 'unset', 'wait'],
];
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/;

interface Scan {
  readonly words: readonly string[];
  /** The first piece of shell syntax, as written. */
  readonly syntax: string | null;
  readonly open: { readonly quote: string; readonly at: number } | null;
}

/** Splits into words as sh does, with nothing expanded. */
class Scanner {
  readonly words: string[] = [];
  syntax: string | null = null;
  open: { readonly quote: string; readonly at: number } | null = null;
  readonly #text: string;
  #at = 0;
  #word: string | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  run(): Scan {
    while (this.#at < this.#text.length) this.#step();
    this.#endWord();
    return this;
  }

  #step(): void {
    const char = this.#text[this.#at] as string;
    if (char === '\\') this.#escape();
    else if (char === "'") this.#single();
    else if (char === '"') this.#double();
    else this.#plain(char);
  }

  #plain(char: string): void {
    if (SYNTAX.has(char)) this.#found(this.#at);
    if (BLANK.has(char)) this.#endWord();
    else this.#add(char);
    this.#at++;
  }

  #escape(): void {
    const next = this.#text[this.#at + 1];
    if (next === undefined) this.#add('\\');
    else if (next !== '\n') this.#add(next);
    this.#at += 2;
  }

  #single(): void {
    const end = this.#text.indexOf("'", this.#at + 1);
    this.open ??= end < 0 ? { quote: "'", at: this.#at } : null;
    this.#add(this.#text.slice(this.#at + 1, end < 0 ? undefined : end));
    this.#at = end < 0 ? this.#text.length : end + 1;
  }

  #double(): void {
    const start = this.#at++;
    this.#add('');
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at] as string;
      if (char === '"') {
        this.#at++;
        return;
      }
      const next = this.#text[this.#at + 1];
      if (char === '\\' && next !== undefined && '$`"\\\n'.includes(next)) {
        if (next !== '\n') this.#add(next);
        this.#at++;
        continue;
      }
      if (char === '$') this.#found(this.#at);
      this.#add(char);
    }
    this.open ??= { quote: '"', at: start };
  }

  #found(at: number): void {
    const two = this.#text.slice(at, at + 2);
    const char = this.#text[at] as string;
    this.syntax ??= ['&&', '||', '>>', '<<', '$('].includes(two) ? two : char;
  }

  #add(text: string): void {
    this.#word = (this.#word ?? '') + text;
  }

  #endWord(): void {
    if (this.#word !== null) this.words.push(this.#word);
    this.#word = null;
  }
}

/** Directly or through the shell? Decided on the text as written: a value that replaces a `${…}` changes nothing. */
export function decideCommand(text: string): Decided {
  const command = text.trim();
  if (command === '') return { kind: 'wrong', why: 'the command is empty', at: 0 };
  if (ASSIGNMENT.test(command)) return { kind: 'shell', why: `begins with \`${ASSIGNMENT.exec(command)?.[0]}\`` };
  const scan = new Scanner(command).run();
  if (scan.syntax !== null)
    return { kind: 'shell', why: `holds ${scan.syntax === '\n' ? 'a new line' : `\`${scan.syntax}\``}` };
  const first = scan.words[0];
  if (scan.open === null && first !== undefined) {
    if (KEYWORDS.includes(first)) return { kind: 'shell', why: `\`${first}\` is a word of the shell's own` };
    if (BUILT_INS.includes(first)) return { kind: 'shell', why: `\`${first}\` is built into the shell` };
  }
  return words(scan, text.length - text.trimStart().length);
}

/** Words, whatever the text holds: for `shell: false`. */
export function splitCommand(text: string): Decided {
  if (text.trim() === '') return { kind: 'wrong', why: 'the command is empty', at: 0 };
  return words(new Scanner(text.trim()).run(), text.length - text.trimStart().length);
}

function words(scan: Scan, indent: number): Decided {
  if (scan.open) return { kind: 'wrong', why: `unclosed quote ${scan.open.quote}`, at: indent + scan.open.at };
  if (!scan.words[0]) return { kind: 'wrong', why: 'the program to run is an empty word', at: 0 };
  return { kind: 'argv', argv: scan.words };
}

const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** Words as one line that sh reads back as the same words. */
export function quoteWords(argv: readonly string[]): string {
  return argv.map((word) => (SAFE.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** A command that was given word by word. */
export function wordsCommand(argv: readonly string[]): CommandSpec {
  return { text: quoteWords(argv), how: { kind: 'argv', argv } };
}

/**
 * A string as a command, its `${…}` still in it. `shell`: null = decide; false = never; a path = always that shell.
 * A `wrong` one names where in the text.
 */
export function stringCommand(
  text: string,
  shell: string | false | null,
): CommandSpec | Extract<Decided, { kind: 'wrong' }> {
  if (typeof shell === 'string') {
    if (text.trim() === '') return { kind: 'wrong', why: 'the command is empty', at: 0 };
    return { text, how: { kind: 'shell', shell, script: text, why: '`shell` is set' } };
  }
  const masked = mask(text);
  const decided = shell === false ? splitCommand(masked.text) : decideCommand(masked.text);
  if (decided.kind === 'wrong') return decided;
  if (decided.kind === 'shell')
    return { text, how: { kind: 'shell', shell: '/bin/sh', script: text, why: decided.why } };
  const argv = decided.argv.map(masked.unmask);
  return shell === false ? wordsCommand(argv) : { text, how: { kind: 'argv', argv } };
}

/** References stand for values that are not known yet: they are kept out of the shell-syntax question. */
function mask(text: string): { readonly text: string; readonly unmask: (word: string) => string } {
  const template = hasReference(text) ? parseTemplate(text) : null;
  if (!template?.ok) return { text, unmask: (word) => word };
  const written: string[] = [];
  const masked = template.pieces.map((piece) =>
    piece.kind === 'text' ? piece.text : `\uE000${written.push(piece.written) - 1}\uE001`,
  );
  return {
    text: masked.join(''),
    unmask: (word) =>
      word
        .replaceAll('${', () => '$${')
        .replace(/\uE000(\d+)\uE001/g, (whole: string, n: string) => written[Number(n)] ?? whole),
  };
}
