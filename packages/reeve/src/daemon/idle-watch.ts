/** How often it looks. Milliseconds. */
const LOOK = 15_000;

/** Ends something that has had nothing to do for long enough. */
export class IdleWatch {
  readonly #timer: NodeJS.Timeout;
  #since: number | null = null;

  constructor(limit: number, isIdle: () => boolean, onIdle: () => void) {
    this.#timer = setInterval(
      () => {
        if (!isIdle()) {
          this.#since = null;
          return;
        }
        this.#since ??= performance.now();
        if (performance.now() - this.#since >= limit) onIdle();
      },
      Math.min(LOOK, limit),
    );
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
