import { after, pause, type Timer } from '@reeve/host';
import type { EventRow, Registry, StoredEvent } from '../core/registry.ts';
import type { Log } from './dependencies.ts';

/** How many writes are kept for a registry that cannot be written now. Events beyond it are dropped, and counted. */
const MOST_KEPT = 20_000;
/** How soon a registry that could not be written is tried again, when nothing else happens. Milliseconds. */
const RETRY = 1_000;
/** The same while a client waits for it. Milliseconds. */
const CATCH_UP = 100;

/** An event that was emitted, and may not have its number yet: it gets one when it is written. */
export interface EventRef {
  seq: number | null;
}
/** What happened, but for its number and that of what caused it. */
export type NewEvent = Omit<EventRow, 'cause'>;

interface Pending {
  readonly row: NewEvent;
  readonly cause: EventRef | null;
  readonly ref: EventRef;
}

/**
 * What is decided is written down before it is carried out. Everything that one turn of the event loop decides becomes
 * one transaction; only then the effects run. So a daemon that dies in between has promised nothing, and a start of a
 * hundred services costs one write.
 *
 * A registry that cannot be written (full disk) does not stop supervision: rows are kept, the newest of a key wins, and
 * are written with the next flush that succeeds.
 */
export class Outbox {
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #publish: (event: StoredEvent) => void;
  #rows = new Map<string, () => void>();
  #events: Pending[] = [];
  #effects: (() => void)[] = [];
  #waiting: (() => void)[] = [];
  #isScheduled = false;
  #isFailing = false;
  #dropped = 0;
  #retry: Timer | null = null;
  #lastSeq = 0;

  constructor(registry: Registry, log: Log, publish: (event: StoredEvent) => void) {
    this.#registry = registry;
    this.#log = log;
    this.#publish = publish;
  }

  /** The registry could not be written when it was last tried: nothing that was put in since is on disk. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** The highest number of an event that this daemon has seen. */
  get lastSeq(): number {
    return this.#lastSeq;
  }
  /** The number that the registry has reached before this daemon. */
  beginAfter(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  /** `key` says what the row is: a newer row of the same key replaces one that is not written yet. */
  row(key: string, write: () => void): void {
    this.#rows.delete(key);
    this.#rows.set(key, write);
    this.#schedule();
  }
  /** `cause`: the event that led to it. Returns what a later event may name as its own cause. */
  event(row: NewEvent, cause: EventRef | null): EventRef {
    const ref: EventRef = { seq: null };
    if (this.#events.length < MOST_KEPT) this.#events.push({ row, cause, ref });
    else this.#dropped++;
    this.#schedule();
    return ref;
  }
  effect(run: () => void): void {
    this.#effects.push(run);
    this.#schedule();
  }
  /** When everything put in so far is written (or could not be), before its effects. */
  written(): Promise<void> {
    this.#schedule();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  /** Tries for at most so long (ms) to write what is kept. false: it still cannot be written. */
  async caughtUp(limit: number): Promise<boolean> {
    const until = performance.now() + limit;
    for (this.flush(); this.#isFailing && performance.now() < until; this.flush()) {
      await pause(CATCH_UP);
    }
    return !this.#isFailing;
  }
  /** Now, for the last moment of a daemon. */
  flush(): void {
    this.#isScheduled = false;
    this.#write();
    const effects = this.#effects;
    const waiting = this.#waiting;
    this.#effects = [];
    this.#waiting = [];
    for (const resolve of waiting) resolve();
    for (const run of effects) {
      try {
        run();
      } catch (error) {
        this.#log.error({ err: error }, 'an effect failed');
      }
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.flush());
  }

  /** In the order told, so that a cause has its number before what it led to is written. */
  #append(): readonly StoredEvent[] {
    return this.#events.map(({ row, cause, ref }) => {
      const stored = this.#registry.events.append({ ...row, cause: cause?.seq ?? null });
      ref.seq = stored.seq;
      return stored;
    });
  }

  #write(): void {
    if (this.#rows.size === 0 && this.#events.length === 0) return;
    let stored: readonly StoredEvent[];
    try {
      stored = this.#registry.transaction('usual', () => {
        for (const write of this.#rows.values()) write();
        return this.#append();
      });
    } catch (error) {
      if (!this.#isFailing)
        this.#log.error(
          { err: error },
          'the registry cannot be written: supervision continues, and what is to be written is kept',
        );
      this.#isFailing = true;
      this.#retry ??= after(RETRY, () => {
        this.#retry = null;
        this.flush();
      }).unref();
      return;
    }
    if (this.#isFailing) this.#log.info({ dropped: this.#dropped }, 'the registry can be written again');
    this.#dropped = 0;
    this.#isFailing = false;
    this.#rows = new Map();
    this.#events = [];
    for (const event of stored) {
      this.#lastSeq = event.seq;
      this.#publish(event);
    }
  }
}
