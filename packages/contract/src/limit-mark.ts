/**
 * The limit mark of a run: a number that its processes carry as their soft RLIMIT_RTTIME (µs). At the least 71 years,
 * so it is without effect, and a limit that no other program sets so high; at the most what a JSON number holds exactly.
 */
export const LEAST_MARK = 2 ** 51;
export const MOST_MARK = 2 ** 53 - 1;

export function isMark(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= LEAST_MARK && value <= MOST_MARK;
}
