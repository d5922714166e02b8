import { CHANNEL_TEXT_BYTES } from '@reeve/contract';
import { after, type Timer } from '@reeve/host';

/** So many datagrams of a run are written down one by one at once, and so many a second after that. */
const BURST = 50;
const PER_SECOND = 10;

/** What becomes one record: the text, and how many datagrams were lost since the last one. */
export type Told = (text: string, lost: number) => void;

/**
 * Keeps a service that notifies without pause from filling the journal. What comes too fast is not dropped but merged:
 * of each key the last value, in the order in which they last came.
 */
export class DatagramPacer {
  readonly #tell: Told;
  readonly #now: () => number;
  readonly #pending = new Map<string, string>();
  #bytes = 0;
  #lost = 0;
  #tokens = BURST;
  #filledAt: number;
  #timer: Timer | null = null;

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(tell: Told, now: () => number = () => performance.now()) {
    this.#tell = tell;
    this.#now = now;
    this.#filledAt = now();
  }

  take(text: string): void {
    this.#refill();
    if (this.#tokens >= 1 && this.#pending.size === 0) {
      this.#tokens -= 1;
      this.#send(text);
      return;
    }
    for (const line of text.split('\n')) this.#merge(line);
    this.#timer ??= after(1000 / PER_SECOND, () => this.flush());
  }

  /** A datagram that cannot be written down; told with the next record. */
  lose(): void {
    this.#lost += 1;
  }

  /** Tells at once what waits. */
  flush(): void {
    if (this.#timer !== null) this.#timer.cancel();
    this.#timer = null;
    if (this.#pending.size === 0) return;
    const text = [...this.#pending.values()].join('\n');
    this.#pending.clear();
    this.#bytes = 0;
    this.#refill();
    this.#tokens -= 1;
    this.#send(text);
  }

  #merge(line: string): void {
    if (line === '') return;
    const key = line.split('=', 1)[0] ?? line;
    const before = this.#pending.get(key);
    const bytes =
      this.#bytes + Buffer.byteLength(line) + 1 - (before === undefined ? 0 : Buffer.byteLength(before) + 1);
    if (bytes > CHANNEL_TEXT_BYTES) {
      this.#lost += 1;
      return;
    }
    this.#bytes = bytes;
    this.#pending.delete(key); // so that it comes last
    this.#pending.set(key, line);
  }

  #send(text: string): void {
    const lost = this.#lost;
    this.#lost = 0;
    this.#tell(text, lost);
  }

  #refill(): void {
    const now = this.#now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#filledAt) / 1000) * PER_SECOND);
    this.#filledAt = now;
  }
}
