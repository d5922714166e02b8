import { type LogStream, ReeveError } from '@reeve/contract';
import { compilePattern, PATTERN_SYNTAX, type Pattern, PatternProblem, PatternTooSlow } from '../../base/pattern.ts';
import { followLog } from '../../logs/follow-log.ts';
import { logEnd } from '../../logs/log-end.ts';
import type { LogPosition } from '../../logs/log-line.ts';
import { interleaveLogs, mergeLogs } from '../../logs/merge-logs.ts';
import { readLog } from '../../logs/read-log.ts';
import { type LogSource, type SourcedLine, withSource } from './log-source.ts';

/** Which lines of some logs. */
export interface LogQuery {
  /** How many, the newest; null: all. */
  readonly newest: number | null;
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly stream: LogStream | undefined;
  readonly run: string | undefined;
  readonly grep: Pattern | null;
  /** The lines carry their bytes. */
  readonly raw: boolean;
}
/** Where what lies there ends, and what comes begins. */
export type LogEnds = ReadonlyMap<LogSource, LogPosition>;

/** Each log ends with a whole line there. */
export async function logEnds(sources: readonly LogSource[]): Promise<LogEnds> {
  return new Map(await Promise.all(sources.map(async (source) => [source, await logEnd(source.folder)] as const)));
}

/** What lies there already (up to `ends`), by time, masked. */
export async function* pastLines(
  sources: readonly LogSource[],
  query: LogQuery,
  ends: LogEnds,
): AsyncGenerator<SourcedLine> {
  const { newest, since, until, stream, run, raw, grep } = query;
  // What does not match must not count, so only then is everything read.
  const each = newest === null || grep ? 'all' : newest;
  const readers = sources.map((source) =>
    withSource(
      source,
      readLog({ folder: source.folder, stream, since, until, newest: each, run, raw, end: ends.get(source) }),
    ),
  );
  const kept: SourcedLine[] = [];
  for await (const line of mergeLogs(readers)) {
    if (grep && !matches(grep, line.line)) continue;
    if (newest === null) yield line;
    else kept.push(line);
    if (newest !== null && kept.length > 2 * newest + 1000) kept.splice(0, kept.length - newest);
  }
  if (newest !== null && newest > 0) yield* kept.slice(-newest);
}

/** What comes from `ends` on, masked, until aborted. */
export async function* nextLines(
  sources: readonly LogSource[],
  { stream, run, raw, grep }: LogQuery,
  ends: LogEnds,
  signal: AbortSignal,
): AsyncGenerator<SourcedLine> {
  const streams = sources.map((source) => {
    const from = ends.get(source) ?? 'end';
    return withSource(source, followLog({ folder: source.folder, from, stream, run, raw, signal }));
  });
  for await (const line of interleaveLogs(streams)) if (!grep || matches(grep, line.line)) yield line;
}

/** Throws USAGE. */
export async function compileGrep(text: string): Promise<Pattern> {
  try {
    return await compilePattern(text);
  } catch (error) {
    if (!(error instanceof PatternProblem)) throw error;
    throw badGrep(error, `expected ${PATTERN_SYNTAX}`);
  }
}

function matches(grep: Pattern, line: string): boolean {
  try {
    return grep.test(line);
  } catch (error) {
    if (!(error instanceof PatternTooSlow)) throw error;
    throw badGrep(error, 'a simpler pattern, with smaller repetitions');
  }
}

function badGrep(error: Error, hint: string): ReeveError {
  return new ReeveError('USAGE', { message: `--grep: ${error.message}`, hint });
}
