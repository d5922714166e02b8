import { writeSync } from 'node:fs';

const STDERR = 2;
/** How often, and how long in between, a reader that is slow is waited for. Milliseconds. */
const TRIES = 20;
const PAUSE = 10;

/**
 * A line for the person who looks, on stderr. Never throws, and never becomes an error of the stream: a failure to
 * report a failure would be reported again, for ever.
 */
export function report(text: string): void {
  let left = Buffer.from(`${text}\n`);
  for (let tries = 0; left.length > 0 && tries < TRIES; ) {
    try {
      left = left.subarray(writeSync(STDERR, left));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return; // closed, full, or its terminal is gone
      tries++;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    }
  }
}

/** What a person should see of something unforeseen: its stack, where it has one. */
export function stackOf(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } catch {
    return 'an error that cannot be shown'; // its own toString throws
  }
}
