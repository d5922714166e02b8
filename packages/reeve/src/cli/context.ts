import type { Io } from './io.ts';
import type { Style } from './terminal/style.ts';

/** What was typed, taken apart and checked against the table. */
export interface Arguments {
  /** The command's name: `up`, `daemon run`. */
  readonly command: string;
  readonly positionals: readonly string[];
  /** Another command's words (`run`, `exec`). */
  readonly verbatim: readonly string[];
  /** By long name; `true` for a switch. */
  readonly options: ReadonlyMap<string, string | true>;
}

/** Everything that a command works with. */
export interface Context {
  readonly io: Io;
  readonly args: Arguments;
  readonly json: boolean;
  readonly verbose: boolean;
  /** Of standard output. */
  readonly style: Style;
  /** Of standard error. */
  readonly talk: Style;
  /** Where the search for a config begins: `-C DIR`, else the working folder. */
  readonly cwd: string;
}

export function has(context: Context, name: string): boolean {
  return context.args.options.has(name);
}

/** The value of an option; null when it was not given. */
export function optionValue(context: Context, name: string): string | null {
  const value = context.args.options.get(name);
  return typeof value === 'string' ? value : null;
}

/** Prints one JSON object: the whole result. */
export function printJson(context: Context, value: unknown): void {
  context.io.out.write(`${JSON.stringify(value)}\n`);
}

/** A line for people, never a result. */
export function say(context: Context, line: string): void {
  context.io.err.write(`${line}\n`);
}
