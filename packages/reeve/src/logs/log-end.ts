import { LOG_STREAMS, type LogStream } from '@reeve/contract';
import type { LogPosition, StreamPosition } from './log-line.ts';
import { listFiles, openSegment, readSegment } from './segments.ts';

const NEWLINE = 10;

/** Where an instance's log ends now, after the last whole line of each stream. */
export async function logEnd(folder: string): Promise<LogPosition> {
  const [out, err] = await Promise.all(LOG_STREAMS.map((stream) => streamEnd(folder, stream)));
  const start = { number: 0, offset: 0 };
  return { out: out ?? start, err: err ?? start };
}

async function streamEnd(folder: string, stream: LogStream): Promise<StreamPosition> {
  const file = (await listFiles(folder, stream)).at(-1);
  const segment = file === undefined ? null : await openSegment(folder, file);
  if (file === undefined || segment === null) return { number: 0, offset: 0 };
  // From the last entry on, or from an earlier certain place if that one holds no newline.
  for (const { offset } of [...segment.entries].reverse()) {
    const end = await lastLineEnd(segment, offset);
    if (end !== null) return { number: file.number, offset: end };
  }
  return { number: file.number, offset: 0 };
}

async function lastLineEnd(segment: Parameters<typeof readSegment>[0], from: number): Promise<number | null> {
  let end: number | null = null;
  for await (const { bytes, offset } of readSegment(segment, from)) {
    const newline = bytes.lastIndexOf(NEWLINE);
    if (newline !== -1) end = offset + newline + 1;
  }
  return end;
}
