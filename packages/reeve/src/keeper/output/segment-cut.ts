import { INDEX_SPAN } from '@reeve/contract';

const NEWLINE = 10;

/** What is known of the segment that is being written. Sizes in bytes. */
export interface OpenSegment {
  readonly size: number;
  /** The most that a segment may hold, but for the end of a line that began in it. */
  readonly max: number;
  /** Its last byte is not a newline. */
  readonly lineOpen: boolean;
}

/**
 * How many bytes of `chunk` still go into this segment; the rest belongs to the next one. Cuts after the last newline
 * that fits, so that no line lies in two files. A line that began here may overrun `max`, by INDEX_SPAN or once again
 * `max` at most: then it is torn, since a stream without newlines must not make a file without end.
 */
export function cutAt(chunk: Buffer, { size, max, lineOpen }: OpenSegment): number {
  const room = Math.max(0, max - size);
  if (chunk.length <= room) return chunk.length;
  const fits = room === 0 ? -1 : chunk.lastIndexOf(NEWLINE, room - 1);
  if (fits !== -1) return fits + 1;
  if (size > 0 && !lineOpen) return 0;
  const end = chunk.indexOf(NEWLINE, room);
  const furthest = Math.max(0, max + Math.min(max, INDEX_SPAN) - size);
  if (end !== -1 && end < furthest) return end + 1;
  return Math.min(chunk.length, furthest);
}
