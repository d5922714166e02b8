import type { LogStream } from '@reeve/contract';
import type { StreamPosition } from './log-line.ts';
import { listFiles, openSegment, readSegment } from './segments.ts';

const NEWLINE = 10;

export interface BytesEnd {
  readonly stream: LogStream;
  readonly at: StreamPosition;
  /** Whose the last byte is; null: there is none. */
  readonly run: string | null;
}

/** Behind the last byte of a stream that is there now, in a line or between two. */
export async function bytesEnd(folder: string, stream: LogStream): Promise<BytesEnd> {
  const file = (await listFiles(folder, stream)).at(-1);
  const segment = file === undefined ? null : await openSegment(folder, file);
  if (file === undefined || segment === null) return { stream, run: null, at: { number: 0, offset: 0 } };
  const last = segment.entries.at(-1);
  const run = last?.run ?? null;
  // A compressed segment is closed: what comes is in the next one.
  if (file.compressed) return { stream, run, at: { number: file.number + 1, offset: 0 } };
  let end = last?.offset ?? 0;
  let torn = false;
  for await (const { bytes, offset } of readSegment(segment, end)) {
    end = offset + bytes.length;
    torn = bytes.at(-1) !== NEWLINE;
  }
  return { stream, run, at: { number: file.number, offset: end, torn } };
}
