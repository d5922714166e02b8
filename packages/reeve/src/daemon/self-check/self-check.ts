import { BEAT, type Beat } from '../../base/beat.ts';
import type { Log } from '../../supervisor/dependencies.ts';

/** What a look at something of our own has found; null: it is as it was opened. */
export type Finding =
  /** Put right, and said. */
  | { readonly kind: 'repaired'; readonly what: string }
  /** The home is not this daemon's any more: it has to give up its role. */
  | { readonly kind: 'deposed'; readonly why: string }
  | null;

/** One thing that this daemon holds and another program can take away. */
export interface Check {
  /** For the log, when the look itself fails. */
  readonly name: string;
  look(): Finding | Promise<Finding>;
}

/**
 * Looks at every beat whether what this daemon holds is still what it has opened. A lock, a socket and a database stay
 * open when their names are removed: without a look it would never know.
 */
export class SelfCheck {
  readonly #checks: readonly Check[];
  readonly #log: Log;
  readonly #onDeposed: (why: string) => void;
  readonly #leaveBeat: () => void;
  /** By check: how its last look failed. It is said once. */
  readonly #failing = new Map<Check, string>();
  #isLooking = false;

  constructor(checks: readonly Check[], log: Log, onDeposed: (why: string) => void, beat: Beat) {
    this.#checks = checks;
    this.#log = log;
    this.#onDeposed = onDeposed;
    this.#leaveBeat = beat.every(BEAT, () => void this.look());
  }

  close(): void {
    this.#leaveBeat();
  }

  /** In their order; nothing is repaired in a home that is not ours any more. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    for (const check of this.#checks) {
      const finding = await this.#lookAt(check);
      if (finding?.kind === 'repaired') this.#log.warn({ check: check.name }, finding.what);
      if (finding?.kind !== 'deposed') continue;
      this.close();
      this.#onDeposed(finding.why);
      return;
    }
    this.#isLooking = false;
  }

  async #lookAt(check: Check): Promise<Finding> {
    try {
      const finding = await check.look();
      this.#failing.delete(check);
      return finding;
    } catch (error) {
      const message = String(error);
      if (this.#failing.get(check) !== message)
        this.#log.error({ err: error, check: check.name }, 'a self-check failed');
      this.#failing.set(check, message);
      return null;
    }
  }
}
