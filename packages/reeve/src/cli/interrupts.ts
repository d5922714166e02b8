import type { Interrupt, Io } from './io.ts';

/** The person at the keyboard, or a supervisor, wants the command to end. Exit code 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly by: Interrupt;
  constructor(by: Interrupt) {
    super(`interrupted by ${by}`);
    this.by = by;
  }
}
export const INTERRUPTED = 130;

/**
 * Listens for signals while a command waits. `signal` is aborted, with an {@link Interrupted}, by the first; `again`
 * is told of each later one.
 */
export class Interrupts implements Disposable {
  readonly #abort = new AbortController();
  readonly #stop: () => void;
  #again: (by: Interrupt) => void = () => {};

  constructor(io: Pick<Io, 'onInterrupt'>, signals: readonly Interrupt[]) {
    this.#stop = io.onInterrupt(signals, (by) => {
      if (this.#abort.signal.aborted) this.#again(by);
      else this.#abort.abort(new Interrupted(by));
    });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  onAgain(heard: (by: Interrupt) => void): void {
    this.#again = heard;
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}
