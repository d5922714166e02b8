import { readSync } from 'node:fs';

/** Reads from a non-blocking descriptor. Bytes read; 0 when there is nothing, now or ever. */
export function readNow(fd: number, buffer: Buffer, length = buffer.length): number {
  try {
    return readSync(fd, buffer, 0, length, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}
