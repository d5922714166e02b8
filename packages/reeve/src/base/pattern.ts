import { type Context, createContext, Script } from 'node:vm';
import type { RE2JS } from 're2js';

/** A regular expression of the user's: RE2 syntax, evaluated in time linear in the text. */
export interface Pattern {
  readonly source: string;
  /** Whether it occurs in the text. Throws `PatternTooSlow`. */
  test(text: string): boolean;
}

/** What is not a pattern that reeve evaluates. Its message is a clause: `look-ahead is not supported`. */
export class PatternProblem extends Error {
  override readonly name = 'PatternProblem';
}

/** The text is too long for a pattern of this size. Its message is a clause. */
export class PatternTooSlow extends Error {
  override readonly name = 'PatternTooSlow';
}

/** For help texts and hints. */
export const PATTERN_SYNTAX = 'a regular expression (RE2: no look-around, no back-references)';

/** Larger ones are refused: time and memory grow with the size. Instructions of the compiled program. */
const LARGEST = 2_000;
/** Written longer than this, it is not even parsed. Characters. */
const LONGEST = 4_000;
/** Instructions times characters up to which a match is certain to be quick, so that no watchdog is set up for it. */
const SMALL = 100_000;
/** How long one match may take. Milliseconds. */
const LIMIT = 100;

/**
 * Compiles a pattern. Throws `PatternProblem`. The engine is loaded with the first one (7 ms): most commands, and a
 * daemon without patterns, do not pay for it.
 */
export async function compilePattern(source: string): Promise<Pattern> {
  const { RE2JS } = await import('re2js');
  if (source.length > LONGEST) throw new PatternProblem(`is longer than ${LONGEST} characters`);
  if (/(?<!\\)(?:\\\\)*\\k</.test(source)) throw new PatternProblem(NO_BACK_REFERENCES); // the engine reads it as letters
  const compile = (): RE2JS => RE2JS.compile(RE2JS.translateRegExp(source));
  let engine: RE2JS;
  try {
    engine = compile();
  } catch (error) {
    throw new PatternProblem(explain(source, error instanceof Error ? error.message : String(error)));
  }
  const size = engine.programSize();
  if (size > LARGEST) throw new PatternProblem('is too large: its repetitions multiply to over 2,000 steps');
  return {
    source,
    test(text) {
      if (size * text.length <= SMALL) return engine.test(text);
      const answer = within(() => engine.test(text));
      if (answer !== null) return answer;
      engine = compile(); // it was stopped in the middle of its work
      throw new PatternTooSlow(`/${source}/ takes over ${LIMIT} ms on a text of ${text.length} characters`);
    },
  };
}

const NO_BACK_REFERENCES = 'back-references are not supported';

/** What JavaScript has and a linear engine cannot have. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/\(\?[=!]/, 'look-ahead is not supported'],
  [/\(\?<[=!]/, 'look-behind is not supported'],
  [/\\[1-9]/, NO_BACK_REFERENCES],
];

function explain(source: string, message: string): string {
  const reason = message.replace(/^error parsing regexp: /, '');
  const isSyntax = /unsupported Perl syntax|named capture|escape sequence/.test(reason);
  const known = isSyntax ? UNSUPPORTED.find(([sign]) => sign.test(source)) : undefined;
  return known?.[1] ?? reason;
}

const script = new Script('work()');
let context: Context | null = null;

/** The answer, or null after the limit: a run of a vm script is the one thing in Node that can be stopped from outside (0.1 ms a call). */
function within(work: () => boolean): boolean | null {
  context ??= createContext(Object.create(null) as Context);
  context['work'] = work;
  try {
    return script.runInContext(context, { timeout: LIMIT }) === true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null;
    throw error;
  } finally {
    context['work'] = null;
  }
}
