import type { JournalRecord } from '@reeve/contract';
import type { Keeper } from '../core/ports.ts';
import { connectKeeper } from '../platform/keeper-link.ts';
import type { Log } from '../supervisor/dependencies.ts';

export interface KeeperHolderOptions {
  readonly home: string;
  readonly program: readonly string[];
  /** The first keeper, when it is being started already. */
  readonly coming: Promise<unknown> | null;
  readonly version: string;
  /** The last record that was written down. */
  readonly since: () => number;
  readonly onRecord: (record: JournalRecord) => void;
  readonly log: Log;
}

/** How long between two tries to bring a keeper back. Milliseconds. */
const PAUSE = 100;

/** The present keeper. A keeper that dies is replaced at once; who asks in the meantime waits for the next one. */
export class KeeperHolder {
  readonly #options: KeeperHolderOptions;
  #current: Promise<Keeper>;
  #pid: number | null = null;
  #isClosed = false;

  constructor(options: KeeperHolderOptions) {
    this.#options = options;
    this.#current = this.#connect(options.coming);
  }

  get pid(): number | null {
    return this.#pid;
  }
  get(): Promise<Keeper> {
    return this.#current;
  }

  async close(options: { readonly leave: boolean }): Promise<void> {
    this.#isClosed = true;
    const keeper = await this.#current;
    if (options.leave) await keeper.leave();
    keeper.close();
  }

  async #connect(coming: Promise<unknown> | null): Promise<Keeper> {
    await coming;
    const { home, program, version, since, onRecord } = this.#options;
    const keeper = await connectKeeper({
      home,
      program: [...program],
      version,
      since: since(),
      onRecord,
      onLost: () => this.#replace(),
    });
    this.#pid = keeper.pid;
    return keeper;
  }

  #replace(): void {
    this.#pid = null;
    if (this.#isClosed) return;
    this.#options.log.warn({}, 'the keeper is gone: starting another');
    this.#current = this.#retry();
  }

  async #retry(): Promise<Keeper> {
    for (;;) {
      try {
        return await this.#connect(null);
      } catch (error) {
        this.#options.log.error({ err: error }, 'no keeper can be started: trying again');
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
  }
}
