import type { LogStream, LostOutput } from '@reeve/contract';

/** One line that a service wrote, or a piece of one that is longer than LINE_LIMIT, or a place where output is missing. */
export interface LogLine {
  /** Milliseconds since 1970: when the keeper read the line's first byte, within some 20 ms of when it was written. */
  readonly at: number;
  /** Orders the lines of one instance over both streams. */
  readonly seq: number;
  readonly run: string;
  readonly stream: LogStream;
  /** Without its newline, as it was written: for a terminal it must go through `lineSafe`. */
  readonly line: string;
  /** What was written: only where it was asked for. */
  readonly bytes?: Buffer;
  /** A newline follows in the log. */
  readonly ended: boolean;
  /** Output is missing here, and `line` is empty. */
  readonly lost?: LostOutput;
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
