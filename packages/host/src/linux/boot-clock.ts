import { readFileSync, readlinkSync } from 'node:fs';

/** `sysconf(_SC_CLK_TCK)` on every Linux that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** A line of `/proc/PID/timens_offsets`: clock, seconds, nanoseconds. Source: time_namespaces(7). */
const BOOT_LINE = /^(?:boottime|7)\s+(-?\d+)\s+(\d+)$/m;

let offset: number | null = null;

/**
 * How many ticks the kernel adds to every start time that it tells this process; 0 outside time namespaces. Readers of
 * two namespaces see two start times of one process, with one boot id: what is written down is without the offset, or
 * each would take what the other has written down for recycled.
 */
export function bootOffset(): number {
  offset ??= hasOwnOffsets() ? parseBootOffset(read('/proc/self/timens_offsets')) : 0;
  return offset;
}

/** In ticks; 0 for a kernel without time namespaces. */
export function parseBootOffset(text: string): number {
  const [, seconds = '0', nanoseconds = '0'] = BOOT_LINE.exec(text) ?? [];
  return Math.floor((Number(seconds) + Number(nanoseconds) / 1e9) * TICKS_PER_SECOND);
}

/** Ticks since the machine was booted, on the same clock as every start tick. NaN where /proc does not tell. */
export function bootTicks(): number {
  return Number.parseFloat(read('/proc/uptime')) * TICKS_PER_SECOND - bootOffset();
}

/** The file tells the offsets of children; ours are the same, unless we were put aside by an `unshare` without exec. */
function hasOwnOffsets(): boolean {
  try {
    return readlinkSync('/proc/self/ns/time') === readlinkSync('/proc/self/ns/time_for_children');
  } catch {
    return false;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
