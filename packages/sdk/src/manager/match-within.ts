import { type Context, createContext, Script } from 'node:vm';

export type Match = 'yes' | 'no' | 'too slow' | 'not a pattern';

const script = new Script('pattern.test(text)');
let context: Context | null = null;

/**
 * Whether the pattern occurs in the text, decided within `ms` milliseconds: a pattern like `(a+)+$` backtracks for
 * longer than the universe is old, and a program has one thread. A run of a vm script is the one thing in Node that
 * can be stopped in the middle of a regular expression (0.1 ms a call).
 */
export function matchWithin(pattern: string, text: string, ms: number): Match {
  let compiled: RegExp;
  try {
    compiled = new RegExp(pattern);
  } catch {
    return 'not a pattern';
  }
  context ??= createContext(Object.create(null) as Context);
  context['pattern'] = compiled;
  context['text'] = text;
  try {
    return script.runInContext(context, { timeout: ms }) === true ? 'yes' : 'no';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return 'too slow';
    throw error;
  }
}
