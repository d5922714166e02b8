/**
 * Log segments, as the keeper writes and everybody reads them.
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
 * milliseconds. A torn last line of an index (crash, full disk) is ignored.
 */
export type LogStream = 'out' | 'err';
export const LOG_STREAMS: readonly LogStream[] = ['out', 'err'];
export const INDEX_SPAN = 1 << 20;
export const INDEX_MS = 1000;
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

export interface IndexEntry {
  readonly at: number;
  readonly offset: number;
  readonly seq: number;
  readonly run: string;
}
export function formatIndexEntry(entry: IndexEntry): string {
  return `${entry.at} ${entry.offset} ${entry.seq} ${entry.run}\n`;
}
const ENTRY = /^(-?\d+) (\d+) (\d+) (\S+)$/;
/** `null` for a torn or foreign line. */
export function parseIndexEntry(line: string): IndexEntry | null {
  const m = ENTRY.exec(line);
  if (!m) return null;
  return { at: Number(m[1]), offset: Number(m[2]), seq: Number(m[3]), run: m[4] as string };
}
