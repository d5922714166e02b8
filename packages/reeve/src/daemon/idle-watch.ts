import type { Beat } from '../base/beat.ts';

/** How often it looks. Milliseconds. */
const LOOK = 15_000;

/** Ends something that has had nothing to do for long enough. */
export class IdleWatch {
  readonly #leaveBeat: () => void;
  #since: number | null = null;

  constructor(limit: number, isIdle: () => boolean, onIdle: () => void, beat: Beat) {
    this.#leaveBeat = beat.every(Math.min(LOOK, limit), () => {
      if (!isIdle()) {
        this.#since = null;
        return;
      }
      this.#since ??= performance.now();
      if (performance.now() - this.#since >= limit) onIdle();
    });
  }

  close(): void {
    this.#leaveBeat();
  }
}
