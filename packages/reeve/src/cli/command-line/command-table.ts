import type { Context } from '../context.ts';

/** What a value can be completed with by the shell. Fixed choices stand in `values`. */
export type Completion = 'service' | 'project' | 'file' | 'folder' | 'signal' | 'command' | 'port';

export interface OptionSpec {
  readonly name: string;
  readonly short?: string;
  /** What the value is called in the help; without it the option is a switch. */
  readonly value?: string;
  readonly values?: readonly string[];
  /** Refuses (USAGE) what is no such value: before anything else is looked at. */
  readonly check?: (text: string, name: string) => unknown;
  readonly complete?: Completion;
  readonly summary: string;
}
export interface ArgumentSpec {
  readonly name: string;
  readonly required?: boolean;
  readonly many?: boolean;
  readonly values?: readonly string[];
  readonly complete?: Completion;
}
export interface Example {
  readonly line: string;
  readonly what: string;
}

/** One row a command: it feeds parsing, help, completion and the reference page. */
export interface CommandSpec {
  /** One word, or two for a command of a group: `daemon run`. */
  readonly name: string;
  readonly summary: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly Example[];
  /** Paragraphs for the help and the reference. */
  readonly details?: readonly string[];
  /** What `--json` prints. */
  readonly json?: string;
  /** This many arguments are reeve's; everything after them is another command's, untouched. */
  readonly verbatimAfter?: number;
}
/** Resolves with the exit code. */
export type Run = (context: Context) => Promise<number>;
