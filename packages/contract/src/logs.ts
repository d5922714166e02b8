/**
 * Log segments, as the keeper writes them and every client reads them.
 *
 * One folder an instance (`$REEVE_HOME/logs/<id>`). Each stream has its own files, so that a file is the plain text
 * that the service wrote: `out.000001.log`, `out.000002.log` …, `err.000001.log` …; a closed one may be
 * `out.000001.log.gz`. Beside each lies its time index `out.000001.idx`, one line an entry:
 *
 *     <time, ms since 1970> <offset, bytes> <seq> <run>\n
 *
 * "The bytes from `offset` to the next entry's offset (or the end of the file) came from `run`, and the first of them
 * at `time`." `seq` rises by one for each entry over both streams of an instance and over all its segments: it is the
 * order of arrival. The entry is written before its bytes. An entry covers at most INDEX_SPAN bytes and INDEX_MS
 * milliseconds. Within an entry, marks say when later bytes came, at least every MARK_MS:
 *
 *     +<ms after the entry's time> <bytes after the entry's offset>\n
 *
 * Output that is missing at a place is an entry of its own, without bytes (`lost`: how many, `-` if unknown):
 *
 *     !<time> <offset> <seq> <run> <lost> <why>\n
 *
 * An offset that is lower than the one before means that another program has cut the file: what the index said so far is
 * void. A torn last line of an index (crash, full disk) and lines of a kind that is not known are ignored.
 */
export type LogStream = 'out' | 'err';
export const LOG_STREAMS: readonly LogStream[] = ['out', 'err'];
export const INDEX_SPAN = 1 << 20;
export const INDEX_MS = 1000;
/** Milliseconds. Slow streams are read less often than this; at full speed it bounds what marks cost. */
export const MARK_MS = 5;
/** A line longer than this is shown in pieces. Bytes. */
export const LINE_LIMIT = 16 * 1024;

export function segmentName(stream: LogStream, number: number): string {
  return `${stream}.${String(number).padStart(6, '0')}.log`;
}
export function indexName(stream: LogStream, number: number): string {
  return `${stream}.${String(number).padStart(6, '0')}.idx`;
}
const SEGMENT = /^(out|err)\.(\d{6,})\.log(\.gz)?$/;
export interface SegmentFile {
  readonly stream: LogStream;
  readonly number: number;
  readonly compressed: boolean;
  readonly name: string;
}
/** `null` when the name is not a segment's. */
export function parseSegmentName(name: string): SegmentFile | null {
  const m = SEGMENT.exec(name);
  if (!m) return null;
  return { stream: m[1] as LogStream, number: Number(m[2]), compressed: m[3] !== undefined, name };
}

export interface LostOutput {
  /** `null`: unknown. */
  readonly bytes: number | null;
  readonly why: string;
}
/** A stretch of output. Those of one entry and its marks share `seq`. */
export interface IndexEntry {
  readonly at: number;
  readonly offset: number;
  readonly seq: number;
  readonly run: string;
  /** Output is missing here; the entry has no bytes. */
  readonly lost?: LostOutput;
}
export function formatIndexEntry({ at, offset, seq, run, lost }: IndexEntry): string {
  const entry = `${at} ${offset} ${seq} ${run}`;
  return lost === undefined ? `${entry}\n` : `!${entry} ${lost.bytes ?? '-'} ${lost.why.replaceAll('\n', ' ')}\n`;
}
export function formatIndexMark(ms: number, bytes: number): string {
  return `+${ms} ${bytes}\n`;
}

const ENTRY = /^(!?)(-?\d+) (\d+) (\d+) (\S+)(?: (\d+|-) (.*))?$/;
const MARK = /^\+(\d+) (\d+)$/;

/** `null` for a mark, and for a torn or unknown line. */
export function parseIndexEntry(line: string): IndexEntry | null {
  const m = ENTRY.exec(line);
  if (!m || (m[1] === '!') !== (m[6] !== undefined)) return null;
  const entry = { at: Number(m[2]), offset: Number(m[3]), seq: Number(m[4]), run: m[5] as string };
  if (m[6] === undefined) return entry;
  return { ...entry, lost: { bytes: m[6] === '-' ? null : Number(m[6]), why: m[7] ?? '' } };
}
/** Relative to the entry before it; `null` for another line. */
export function parseIndexMark(line: string): { readonly ms: number; readonly bytes: number } | null {
  const m = MARK.exec(line);
  return m === null ? null : { ms: Number(m[1]), bytes: Number(m[2]) };
}
