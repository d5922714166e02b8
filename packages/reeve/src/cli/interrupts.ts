import type { Interrupt, Io, Output } from './io.ts';
import { READER_GONE } from './output.ts';

/** SIGPIPE: the reader of our output has gone, or it can no longer be written. */
export type Reason = Interrupt | 'SIGPIPE';

/** The person at the keyboard, a supervisor, or the reader of the output wants the command to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly by: Reason;
  /** What continues without the command, for the person who interrupted it. */
  readonly note: string | null;
  constructor(by: Reason, note: string | null = null) {
    super(`interrupted by ${by}`);
    this.by = by;
    this.note = note;
  }
  get code(): number {
    return this.by === 'SIGPIPE' ? READER_GONE : INTERRUPTED;
  }
}
const INTERRUPTED = 130;

export const START_GOES_ON = 'the start continues in the daemon; reeve ps shows its progress, reeve stop stops it';
export const STOP_GOES_ON = 'the stop continues in the daemon; reeve ps shows its progress';

/**
 * Listens for signals while a command waits. `signal` is aborted, with an {@link Interrupted}, by the first; `again`
 * hears of each later one.
 */
export class Interrupts implements Disposable {
  readonly #abort = new AbortController();
  readonly #stop: () => void;
  #again: (by: Interrupt) => void = () => {};

  /**
   * `outputs`: an endless command has no purpose any more when one of these is lost. `note`: what continues
   * without it when it is interrupted.
   */
  constructor(
    io: Pick<Io, 'onInterrupt'>,
    signals: readonly Interrupt[],
    { outputs = [], note = null }: { readonly outputs?: readonly Output[]; readonly note?: string | null } = {},
  ) {
    this.#stop = io.onInterrupt(signals, (by) => {
      if (this.#abort.signal.aborted) this.#again(by);
      else this.#abort.abort(new Interrupted(by, note));
    });
    const lose = (): void => this.#abort.abort(new Interrupted('SIGPIPE'));
    for (const { lost } of outputs) {
      if (lost?.aborted) lose();
      else lost?.addEventListener('abort', lose, { once: true });
    }
  }

  /** The exit code of a command that ends because of it. */
  get code(): number {
    const reason: unknown = this.#abort.signal.reason;
    return reason instanceof Interrupted ? reason.code : INTERRUPTED;
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
