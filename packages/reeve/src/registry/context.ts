import type { Instant } from '../base/instant.ts';
import type { Connection } from './connection.ts';

export interface RegistryClock {
  /** Wall clock, ms since 1970. */
  now(): Instant;
  /** Milliseconds since boot: orders the audit when the wall clock went back. */
  monotonic(): number;
}
/** What every table is made of. */
export interface TableContext {
  readonly connection: Connection;
  readonly clock: RegistryClock;
}
