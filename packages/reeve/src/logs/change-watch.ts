import { existsSync, type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { after } from '@reeve/host';

/** Looked at this often (ms) even if nothing is announced: watches can be lost (network file systems, folder replaced). */
const SAFETY = 500;

/** Says when something in a folder has changed; the folder need not exist yet. */
export class ChangeWatch {
  readonly #folder: string;
  #watcher: FSWatcher | null = null;
  #watched: string | null = null;
  #changed = true;
  #wake: (() => void) | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#attach();
  }

  /** Resolves at the next change (at once if there was one since the last call), after SAFETY, or when aborted. */
  async next(signal: AbortSignal): Promise<void> {
    this.#attach();
    if (!this.#changed && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = after(SAFETY, resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
        signal.addEventListener('abort', this.#wake, { once: true });
      });
      if (this.#wake !== null) signal.removeEventListener('abort', this.#wake);
      this.#wake = null;
    }
    this.#changed = false;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }

  /** Watches the folder, or as long as it is not there the nearest one above it. */
  #attach(): void {
    let nearest = this.#folder;
    while (!existsSync(nearest)) nearest = path.dirname(nearest);
    if (nearest === this.#watched && this.#watcher !== null) return;
    this.close();
    try {
      this.#watcher = watch(nearest, () => this.#tell());
      this.#watcher.on('error', () => this.close());
      this.#watched = nearest;
      this.#changed = true;
    } catch {
      this.#watcher = null; // no watches left on this system: SAFETY has to do
    }
  }

  #tell(): void {
    this.#changed = true;
    this.#wake?.();
  }
}
