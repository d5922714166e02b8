import { keptFor } from '../core/picture-age.ts';
import type { Dependencies } from './dependencies.ts';

/**
 * What is listened on, for lists. The kernel walks all of its connections for this table, which takes it milliseconds:
 * the table is read only when a service with ports is shown, and kept as long as it cost little and nothing has changed.
 */
export class OpenPorts {
  readonly #deps: Dependencies;
  #open: ReadonlySet<string> = new Set();
  /** Monotonic. */
  #at = Number.NEGATIVE_INFINITY;
  #until = 0;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** `since`: when a service that declares the port last changed its state (monotonic): an older table does not show it. */
  has(port: number, protocol: string, since: number): boolean {
    const now = this.#deps.clock.monotonic();
    if (now >= this.#until || this.#at <= since) this.#read(now);
    return this.#open.has(`${protocol} ${port}`);
  }

  #read(now: number): void {
    const before = performance.now();
    this.#open = new Set(this.#deps.platform.sockets().map(({ port, protocol }) => `${protocol} ${port}`));
    this.#at = now;
    this.#until = now + keptFor(performance.now() - before);
  }
}
