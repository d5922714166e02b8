import { basename } from 'node:path';
import { ReeveError } from '@reeve/contract';
import type { Place } from './tree.ts';

/** One thing that is wrong with a config. */
export interface Problem {
  /** `services.web.ports`; empty for the file as a whole. */
  readonly path: string;
  readonly file: string;
  /** From 1; null where the config is a program and has no places. */
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
  readonly expected: string | null;
  /** The right name that was most likely meant. */
  readonly near: string | null;
}

/** A config text, for places and for showing its lines. */
export interface Source {
  /** Absolute. */
  readonly file: string;
  /** Null: a program wrote the config; only paths can be named. */
  readonly text: string | null;
}

/** Everything that is wrong, in one go. Its message is the whole report. Exit code 2. */
export class ConfigError extends ReeveError {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[], report: string) {
    super('CONFIG_INVALID', { message: report });
    this.problems = problems;
  }
}

export interface Finding {
  readonly path: readonly (string | number)[];
  readonly at: Place | null;
  readonly message: string;
  readonly expected?: string | null | undefined;
  readonly near?: string | null | undefined;
}

/** More would not help, and a file made to hurt has tens of thousands. */
const MAX_FINDINGS = 100;

/** Collects what is wrong, each once, in the order of the file. */
export class Findings {
  readonly #found = new Map<string, Finding>();
  readonly #places = new Set<number>();

  /** Whether looking for more is of no use. */
  get isFull(): boolean {
    return this.#found.size >= MAX_FINDINGS;
  }

  add(finding: Finding): void {
    if (this.isFull) return;
    if (finding.at) this.#places.add(finding.at.start);
    const key = finding.at ? `${finding.at.start} ${finding.message}` : `${finding.path.join('.')} ${finding.message}`;
    if (!this.#found.has(key)) this.#found.set(key, finding);
  }
  /** Whether something was found at this very place: a second complaint about it would not help. */
  hasAt(at: Place): boolean {
    return this.#places.has(at.start);
  }
  get size(): number {
    return this.#found.size;
  }
  error(source: Source): ConfigError {
    const sorted = [...this.#found.values()].sort((a, b) => (a.at?.start ?? 0) - (b.at?.start ?? 0));
    const problems = sorted.map((finding) => problemOf(source, finding));
    const shown = sorted.map((finding, i) => show(source, finding, problems[i] as Problem));
    const count = problems.length === 1 ? '1 problem' : `${this.isFull ? 'At least ' : ''}${problems.length} problems`;
    return new ConfigError(problems, `${[...shown, `${count}. Nothing was changed.`].join('\n')}`);
  }
}

function problemOf(source: Source, { path, at, message, expected, near }: Finding): Problem {
  const spot = source.text !== null && at ? lineOf(source.text, at.start) : null;
  return {
    path: path.map(String).join('.'),
    file: source.file,
    line: spot?.line ?? null,
    column: spot?.column ?? null,
    message,
    expected: expected ?? null,
    near: near ?? null,
  };
}

/** Line and column from 1. Columns count UTF-16 units, as editors do. */
function lineOf(
  text: string,
  offset: number,
): { readonly line: number; readonly column: number; readonly start: number } {
  const before = text.slice(0, Math.min(offset, text.length));
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: before.length - start + 1, start };
}

/** How wide a line may be shown. */
const WIDTH = 110;

function show(source: Source, finding: Finding, problem: Problem): string {
  const where = problem.line === null ? '' : `:${problem.line}:${problem.column}`;
  const path = problem.path === '' ? '' : `  ${problem.path}`;
  const advice = [
    problem.near === null ? '' : ` — did you mean "${problem.near}"?`,
    problem.expected === null ? '' : `\n  expected ${problem.expected}`,
  ];
  const head = visible(`✗ ${basename(source.file)}${where}${path}: ${problem.message}${advice.join('')}`);
  return source.text === null || !finding.at || problem.line === null
    ? head
    : `${head}\n${excerpt(source.text, finding.at)}`;
}

function excerpt(text: string, at: Place): string {
  const { line, column, start } = lineOf(text, at.start);
  const end = text.indexOf('\n', start);
  const whole = text.slice(start, end < 0 ? undefined : end).replace(/\r$/, '');
  const from = column > WIDTH ? column - 40 : 0;
  const shown = visible(whole.slice(from, from + WIDTH).replaceAll('\t', ' '));
  const carets = Math.max(1, Math.min(at.end, start + whole.length, start + from + WIDTH) - at.start);
  const gutter = String(line).padStart(4);
  return `${gutter} │ ${shown}\n${' '.repeat(gutter.length)} │ ${' '.repeat(column - 1 - from)}${'^'.repeat(carets)}`;
}

/** No control or direction-changing character of a config reaches a terminal. Source: FAULTS S25. */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\uFFFD');
}
