/** Output that could not be written, from the first refusal until writing has gone well for a while. */
export interface Loss {
  readonly bytes: number;
  readonly why: string;
}

/** Writing must have gone well for so long (ms) until an episode is over: a disk at its brim is one episode, not thousands. */
const CALM = 1000;

/** Counts what is lost, by episodes. Time is an argument (milliseconds). */
export class LossCount {
  #why: string | null = null;
  #bytes = 0;
  #last = 0;

  /** true: an episode begins with this. */
  lost(bytes: number, why: string, now: number): boolean {
    const begins = this.#why === null;
    this.#why ??= why;
    this.#bytes += bytes;
    this.#last = now;
    return begins;
  }

  /** Writing went well; the episode, if that ended one. */
  wrote(now: number): Loss | null {
    return this.#why !== null && now - this.#last >= CALM ? this.end() : null;
  }

  /** Nothing more comes; the episode, if one was open. */
  end(): Loss | null {
    if (this.#why === null) return null;
    const loss = { bytes: this.#bytes, why: this.#why };
    this.#why = null;
    this.#bytes = 0;
    return loss;
  }
}
