import type { Stall } from '@reeve/contract';
import { stopOf } from '../base/stall.ts';
import type { Log } from '../supervisor/dependencies.ts';

/** The newest are kept for `daemon status`; all are in the log. */
const KEPT = 10;
/** A program that says itself that it was stopped tells nothing new where the other has just seen it. Milliseconds. */
const JUST = 1_000;

/** When the loops of daemon and keeper have stalled, as far as this daemon has heard. */
export class Stalls {
  readonly #log: Log;
  #newest: readonly Stall[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Oldest first. */
  get newest(): readonly Stall[] {
    return this.#newest;
  }

  take(stall: Stall): void {
    if (stall.end === 'continued' && this.#isSeen(stall)) return;
    this.#newest = [...this.#newest, stall].slice(-KEPT);
    this.#log.warn({ stall }, sentence(stall));
  }

  /** This program was stopped for so long (ms) at most, and continues. */
  takeOwn(most: number): void {
    this.take(stopOf('daemon', most));
  }

  #isSeen({ pid, at, ms }: Stall): boolean {
    const end = Date.parse(at) + ms;
    return this.#newest.some((seen) => seen.pid === pid && Math.abs(Date.parse(seen.at) + seen.ms - end) < JUST);
  }
}

/** For the log. */
function sentence({ program, pid, ms, doing, during, end }: Stall): string {
  const most = end === 'continued' ? 'at most ' : '';
  const begun = during === null ? '' : `; last begun: ${during}`;
  const fate = end === 'gone' ? ', until its end' : '';
  return `the ${program} (pid ${pid}) stalled for ${most}${(ms / 1000).toFixed(1)} s${fate}: ${doing}${begun}`;
}
