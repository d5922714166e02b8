import { isSame } from '@reeve/host';
import type { Run } from '../run.ts';

/** How often they are looked at (ms). */
const LOOK = 200;

/** Runs whose process is not our child, because an earlier keeper started it: the kernel does not report when one ends. */
export class Strangers {
  readonly #onGone: (run: Run) => void;
  readonly #runs = new Set<Run>();
  #timer: NodeJS.Timeout | null = null;

  constructor(onGone: (run: Run) => void) {
    this.#onGone = onGone;
  }

  watch(run: Run): void {
    this.#runs.add(run);
    this.#timer ??= setInterval(() => this.#look(), LOOK);
  }

  #look(): void {
    for (const run of this.#runs) {
      if (isSame(run.process)) continue;
      this.#runs.delete(run);
      this.#onGone(run);
    }
    if (this.#runs.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
