import {
  type DaemonProblem,
  type JournalRecord,
  KEEPER_PROTOCOL,
  type KeeperAbout,
  type KeptRun,
  ReeveError,
} from '@reeve/contract';
import { homePaths, liveHolder } from '@reeve/host';
import type { Keeper } from '../../core/interfaces.ts';
import { connectKeeper } from '../../platform/keeper-link.ts';
import type { Log } from '../../supervisor/dependencies.ts';
import type { KeeperPlace } from './places.ts';

export interface KeeperHolderOptions {
  readonly place: KeeperPlace;
  readonly program: readonly string[];
  /** The first keeper, when it is being started already; `later`: nobody waits for it, and it is tried until it is there. */
  readonly coming: Promise<unknown> | 'later' | null;
  /** Given to a keeper that is started, which gives it back at every hello: tells its program from another. */
  readonly label: string;
  /** The last record of this place that was written down. */
  readonly since: () => number;
  readonly onRecord: (record: JournalRecord) => void;
  /** Another keeper has taken the place of one that died, and may know less. */
  readonly onReplaced: () => void;
  readonly log: Log;
}

/** How long between two tries to bring a keeper back. Milliseconds. */
const PAUSE = 100;

/**
 * The present keeper of one place. A keeper that dies is replaced at once; who asks in the meantime waits for the next
 * one. One that is retired is asked to go when it holds nothing any more, and is not replaced then.
 */
export class KeeperHolder {
  readonly place: KeeperPlace;
  readonly #options: KeeperHolderOptions;
  #current: Promise<Keeper>;
  #known: Keeper | null = null;
  readonly #held = new Map<string, KeptRun>();
  #isClosed = false;
  #isSilent = false;
  #onEmpty: (() => void) | null = null;

  constructor(options: KeeperHolderOptions) {
    this.#options = options;
    this.place = options.place;
    this.#current = options.coming === 'later' ? this.#retry() : this.#connect(options.coming);
    this.#current.catch(() => undefined); // told by whoever asks for it
  }

  get pid(): number | null {
    return this.#known?.pid ?? null;
  }
  get about(): KeeperAbout | null {
    const keeper = this.#known;
    return keeper && { pid: keeper.pid, version: keeper.version, protocol: KEEPER_PROTOCOL, runs: this.#held.size };
  }
  get(): Promise<Keeper> {
    return this.#current;
  }
  /** What it holds now, ended or not. */
  get runs(): readonly KeptRun[] {
    return [...this.#held.values()];
  }
  holds(run: string): boolean {
    return this.#held.has(run);
  }
  /** Waits at most so long (ms) for it to say that it is there; tells the log when it does not, and when it does again. */
  async check(patience: number): Promise<void> {
    const keeper = this.#known;
    if (!keeper) return;
    const answer = keeper.ping();
    await Promise.race([answer, pause(patience)]);
    if (keeper.silence === null || this.#isSilent) return;
    this.#isSilent = true;
    this.#options.log.warn({ pid: keeper.pid, place: this.place.number }, 'the keeper does not answer');
    void answer.then(() => {
      this.#isSilent = false;
      this.#options.log.info({ pid: keeper.pid, place: this.place.number }, 'the keeper is heard again, or has gone');
    });
  }

  /** Why nothing can be asked of it now; null: as far as is known, it can. */
  get problem(): DaemonProblem | null {
    const keeper = this.#known;
    if (!keeper || keeper.silence === null || !this.#isSilent) return null;
    const holder = liveHolder(homePaths(this.place.folder).keeperLock);
    const doing = holder?.pid === keeper.pid ? `; it ${holder.doing}` : '';
    const since = `${(keeper.silence / 1000).toFixed(1)} s`;
    const message = `the keeper (pid ${keeper.pid}) has not answered for ${since}${doing}`;
    return { code: 'keeper_silent', message, hint: holder?.hint ?? null };
  }

  acknowledge(seq: number): void {
    this.#known?.acknowledge(seq);
  }

  /** Another one starts what is started from now on. `onEmpty`: it held nothing any more, and has gone. */
  async retire(onEmpty: () => void): Promise<void> {
    this.#onEmpty = onEmpty;
    await (await this.#current).leave().catch(goneAlready);
  }

  async close(options: { readonly leave: boolean }): Promise<void> {
    this.#isClosed = true;
    const keeper = await this.#current;
    if (options.leave) await keeper.leave().catch(goneAlready);
    keeper.close();
  }

  async #connect(coming: Promise<unknown> | null): Promise<Keeper> {
    await coming;
    const { place, program, label, since } = this.#options;
    const keeper = await connectKeeper({
      home: place.folder,
      program: [...program],
      version: label,
      since: since(),
      onRecord: (record) => this.#take(record),
      onLost: () => this.#lost(),
    });
    this.#held.clear();
    for (const run of keeper.runs) this.#held.set(run.run, run);
    this.#known = keeper;
    return keeper;
  }

  #take(record: JournalRecord): void {
    if (record.kind === 'spawned') {
      const { run, id, process } = record;
      this.#held.set(run, { run, id, process, exit: null });
    }
    const known = record.kind === 'exited' ? this.#held.get(record.run) : undefined;
    if (known && record.kind === 'exited') this.#held.set(record.run, { ...known, exit: record.exit });
    if (record.kind === 'released') this.#held.delete(record.run);
    this.#options.onRecord(record);
  }

  #lost(): void {
    this.#known = null;
    if (this.#isClosed) return;
    if (this.#onEmpty !== null && this.#held.size === 0) {
      this.#isClosed = true;
      this.#onEmpty();
      return;
    }
    this.#options.log.warn({ place: this.place.number }, 'the keeper is gone: starting another');
    this.#current = this.#retry();
  }

  async #retry(): Promise<Keeper> {
    for (;;) {
      try {
        const keeper = await this.#connect(null);
        if (this.#onEmpty !== null) await keeper.leave().catch(goneAlready);
        setImmediate(this.#options.onReplaced); // once whoever asks gets this one
        return keeper;
      } catch (error) {
        this.#options.log.error({ err: error }, 'no keeper can be started: trying again');
        await pause(PAUSE);
      }
    }
  }
}

/** It was asked before, and its last run ended just now. */
function goneAlready(error: unknown): void {
  if (!(error instanceof ReeveError && error.code === 'KEEPER_LOST')) throw error;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
