/**
 * Between two beats, and so the longest time until something that is not announced is noticed: a file that was removed, a
 * process that was killed. Daemon and keeper together may wake up twice a second when nothing happens. Milliseconds.
 */
export const BEAT = 1_500;

interface Look {
  readonly beats: number;
  readonly look: () => void;
}

/** The one slow clock of a program: whatever has to look now and then looks at a beat, so that it wakes up once for all. */
export class Beat {
  readonly #looks = new Set<Look>();
  readonly #timer: NodeJS.Timeout;
  readonly #onError: (error: unknown) => void;
  #count = 0;

  constructor(onError: (error: unknown) => void, interval = BEAT) {
    this.#onError = onError;
    this.#timer = setInterval(() => this.#beat(), interval).unref();
  }

  /** Calls `look` once in about so many milliseconds, at a beat. Returns how to end it. */
  every(ms: number, look: () => void): () => void {
    const entry: Look = { beats: Math.max(1, Math.round(ms / BEAT)), look };
    this.#looks.add(entry);
    return () => void this.#looks.delete(entry);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#looks.clear();
  }

  #beat(): void {
    this.#count += 1;
    for (const { beats, look } of [...this.#looks]) if (this.#count % beats === 0) this.#try(look);
  }

  /** One that fails must not take the others with it. */
  #try(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#onError(error);
    }
  }
}
