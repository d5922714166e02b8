import type { LogStream } from '@reeve/contract';

/** One line that a service wrote, or a piece of one that is longer than LINE_LIMIT. */
export interface LogLine {
  /** Milliseconds since 1970: when the keeper began the stretch of output that holds the line's first byte. */
  readonly at: number;
  /** Orders the lines of one instance over both streams. */
  readonly seq: number;
  readonly run: string;
  readonly stream: LogStream;
  /** Without its newline, as it was written: for a terminal it must go through `lineSafe`. */
  readonly line: string;
}

/** A place in one stream: a byte of a segment. Number 0: before the first. */
export interface StreamPosition {
  readonly number: number;
  readonly offset: number;
  /** It lies within a line, of which the rest is not shown. */
  readonly torn?: boolean;
}
/** A place in an instance's log, between two lines of each stream. */
export type LogPosition = Readonly<Record<LogStream, StreamPosition>>;
