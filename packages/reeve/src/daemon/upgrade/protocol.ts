/**
 * How a daemon and its successor speak while one takes over from the other. The successor is a child of the old one and
 * inherits three descriptors: 3, where it reports (`prepared`, `ready`, `error {…}`: report-ready.ts), the lock of the home,
 * and where it hears `take`. The end of the last means that the old one is dead, and the lock the successor's alone.
 */
export const LOCK_FD = 4;
export const ORDERS_FD = 5;

/** In the environment of a successor: the keeper protocols that the old daemon's keepers speak, `1,1`. */
export const SUCCEEDS = 'REEVE_SUCCEEDS';
/** The one order. */
export const TAKE = 'take';

/** Whether this daemon was started to take over from one that runs. */
export function isSuccessor(): boolean {
  return process.env[SUCCEEDS] !== undefined;
}
