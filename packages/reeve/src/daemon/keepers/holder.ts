import { existsSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type DaemonProblem,
  type JournalRecord,
  KEEPER_PROTOCOL,
  type KeeperAbout,
  type KeptRun,
  ReeveError,
  type Stall,
} from '@reeve/contract';
import { doingOf, pause } from '@reeve/host';
import { BEAT, type Beat } from '../../base/beat.ts';
import { PeerWatch } from '../../base/peer-watch.ts';
import { stallOf } from '../../base/stall.ts';
import type { Keeper } from '../../core/interfaces.ts';
import { connectKeeper } from '../../platform/keeper-link.ts';
import type { Log } from '../../supervisor/dependencies.ts';
import type { KeeperProgram } from './keeper-program.ts';
import type { KeeperPlace } from './places.ts';

export interface KeeperHolderOptions {
  readonly place: KeeperPlace;
  /** Asked before each start: an upgrade may move it. */
  readonly program: () => KeeperProgram;
  /** The first keeper, when it is being started already; `later`: no call waits for it, and it is tried until it is there. */
  readonly coming: Promise<unknown> | 'later' | null;
  /** The last record of this place that was written down. */
  readonly since: () => number;
  readonly onRecord: (record: JournalRecord) => void;
  /** Another keeper has taken the place of one that died, and may know less. */
  readonly onReplaced: () => void;
  /** A loop has stalled: its, this daemon's, or that of the daemon before. */
  readonly onStalled: (stall: Stall) => void;
  readonly beat: Beat;
  readonly log: Log;
}

/** Between two tries to bring a keeper back: doubles up to the longest. Milliseconds. */
const PAUSE = 100;
const LONGEST_PAUSE = 5_000;
/** A first try may fail for want of memory or processes: only when this many have, in 0.3 s, is it a problem. */
const TRIES = 3;
/** How long a keeper may take to hear that we go: one that hangs must not hold us. Milliseconds. */
const FAREWELL = 1_000;

/** It is asked for each service what is wrong with its keeper: for so long (ms) the same is said again. */
const SAID_AGAIN = 250;
/** A keeper that is not halted has so long (ms) before its silence is a problem: the machine may be busy. */
const SLOW = 1_000;

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
  readonly #watch: PeerWatch;
  readonly #leaveBeat: () => void;
  #said: { readonly keeper: Keeper; readonly at: number; readonly problem: DaemonProblem | null } | null = null;
  readonly #end = new AbortController();
  /** Why none can be started at present. */
  #failure: Failure | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(options: KeeperHolderOptions) {
    this.#options = options;
    this.place = options.place;
    this.#watch = this.#watchKeeper();
    this.#leaveBeat = options.beat.every(BEAT, () => this.#watch.beat());
    this.#current = options.coming === 'later' ? this.#retry() : this.#connect(options.coming);
    this.#current.catch(() => undefined); // reported by the call that needs it
  }

  get pid(): number | null {
    return this.#known?.pid ?? null;
  }
  get about(): KeeperAbout | null {
    const keeper = this.#known;
    return keeper && { pid: keeper.pid, version: keeper.version, protocol: KEEPER_PROTOCOL, runs: this.#held.size };
  }
  /** Asked for in order to ask it something: it is watched while it is at it. */
  get(): Promise<Keeper> {
    this.#watch.stir();
    return this.#current;
  }
  /** What it holds now, ended or not. */
  get runs(): readonly KeptRun[] {
    return [...this.#held.values()];
  }
  holds(run: string): boolean {
    return this.#held.has(run);
  }
  /** This daemon begins something: the keeper watches it. */
  busy(what: string): void {
    this.#known?.busy(what);
  }
  /** Waits at most so long (ms) for it to say that it is there; longer where only the machine may be slow. */
  async check(patience: number): Promise<void> {
    const keeper = this.#known;
    if (!keeper) return;
    this.#watch.ask();
    const answered = keeper.ping();
    await Promise.race([answered, pause(patience)]);
    await turn(); // our own loop may have been late: its answer may lie there unread
    if (keeper.silence !== null && doingOf(keeper.pid)?.isHalted !== true)
      await Promise.race([answered, pause(SLOW - patience)]);
    if (keeper.silence !== null) this.#watch.notice();
  }

  /** Why nothing can be asked of it now; null: as far as is known, it can. */
  get problem(): DaemonProblem | null {
    if (this.#failure !== null && this.#failure.tries >= TRIES) return missing(this.#failure);
    const keeper = this.#known;
    if (!keeper || keeper.silence === null || !this.#watch.isSilent) return null;
    const now = performance.now();
    if (this.#said?.keeper !== keeper || now - this.#said.at > SAID_AGAIN)
      this.#said = { keeper, at: now, problem: this.#silence(keeper, keeper.silence) };
    return this.#said.problem;
  }

  #silence(keeper: Keeper, silence: number): DaemonProblem | null {
    const seen = doingOf(keeper.pid); // not by its lock: that takes a look at all its descriptors, some for each service
    if (silence < SLOW && seen?.isHalted !== true) return null;
    const doing = seen ? `; it ${seen.doing}` : '';
    const since = `${(silence / 1000).toFixed(1)} s`;
    const message = `the keeper (pid ${keeper.pid}) has not answered for ${since}${doing}`;
    return { code: 'keeper_silent', message, hint: seen?.hint ?? null };
  }

  acknowledge(seq: number): void {
    this.#known?.acknowledge(seq);
  }

  /** Another one starts what is started from now on. `onEmpty`: it held nothing any more, and has gone. */
  async retire(onEmpty: () => void): Promise<void> {
    this.#onEmpty = onEmpty;
    await askToLeave(await this.#current);
  }

  async close(options: { readonly leave: boolean }): Promise<void> {
    this.#isClosed = true;
    this.#leaveBeat();
    this.#end.abort();
    const leaving = this.#current.then(async (keeper) => {
      if (options.leave) await askToLeave(keeper);
      keeper.close();
    });
    // No keeper can be started, or it hangs: the next daemon finds it as it is.
    await Promise.race([leaving, pause(2 * FAREWELL)]).catch((error: unknown) =>
      this.#options.log.warn({ err: error, place: this.place.number }, 'the keeper was left without a farewell'),
    );
    leaving.catch(() => undefined);
  }

  async #connect(coming: Promise<unknown> | null): Promise<Keeper> {
    await coming;
    const { place, program, since } = this.#options;
    const { argv, file, label } = program();
    const keeper = await connectKeeper({
      home: place.folder,
      program: argv,
      version: label,
      since: since(),
      onRecord: (record) => this.#take(record),
      onLost: () => this.#lost(),
      onStalled: this.#options.onStalled,
    }).catch((error: unknown) => {
      throw existsSync(file) ? error : programGone(file, error);
    });
    this.#held.clear();
    for (const run of keeper.runs) this.#held.set(run.run, run);
    this.#known = keeper;
    return keeper;
  }

  #watchKeeper(): PeerWatch {
    const { log, onStalled, place } = this.#options;
    const watch: PeerWatch = new PeerWatch({
      pid: () => this.pid,
      ask: () => void this.#known?.ping().then(() => watch.heard()),
      onSilent: ({ pid, doing }) => log.warn({ pid, place: place.number, doing }, 'the keeper does not answer'),
      onOver: (silence, end) => onStalled(stallOf('keeper', silence, end)),
    });
    return watch;
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
    this.#watch.gone();
    this.#known = null;
    if (this.#isClosed) return;
    if (this.#onEmpty !== null && this.#held.size === 0) {
      this.#isClosed = true;
      this.#onEmpty();
      return;
    }
    this.#options.log.warn({ place: this.place.number }, 'the keeper is gone: starting another');
    this.#current = this.#retry();
    this.#current.catch(() => undefined); // reported by the call that needs it
  }

  async #retry(): Promise<Keeper> {
    for (let wait = PAUSE; ; wait = Math.min(2 * wait, LONGEST_PAUSE)) {
      try {
        const keeper = await this.#connect(null);
        this.#failure = null;
        if (this.#onEmpty !== null) await askToLeave(keeper);
        setImmediate(this.#options.onReplaced); // once callers get this one
        return keeper;
      } catch (error) {
        this.#noteFailure(error);
      }
      await pause(wait, this.#end.signal);
      if (this.#isClosed) throw new ReeveError('KEEPER_LOST', { home: this.place.folder });
    }
  }

  /** Logged once, and again when the reason changes: it may be the same for days. */
  #noteFailure(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    const hint = error instanceof ReeveError ? error.hint : null;
    const before = this.#failure;
    this.#failure = { why, hint, since: before?.since ?? performance.now(), tries: (before?.tries ?? 0) + 1 };
    if (before?.why === why) return;
    this.#options.log.error({ err: error, place: this.place.number }, 'no keeper can be started: trying again');
  }
}

/** It has gone by itself, or answers too late: neither is anything to do about. */
function goneAlready(error: unknown): void {
  if (!(error instanceof ReeveError)) throw error;
}

/** What Node says of it is a page of its own code. */
function programGone(file: string, cause: unknown): ReeveError {
  const hint = 'install reeve again, or where the PATH finds it; then reeve daemon upgrade (services keep running)';
  return new ReeveError('SPAWN_FAILED', { command: 'the keeper', why: `${file} has been removed`, hint }, { cause });
}

interface Failure {
  readonly why: string;
  readonly hint: string | null;
  /** By the monotonic clock. */
  readonly since: number;
  readonly tries: number;
}

function missing({ why, hint, since }: Failure): DaemonProblem {
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  const message = `no keeper can be started, for ${seconds} s now: ${why}`;
  return { code: 'no_keeper', message, hint };
}

/** One that hangs is not waited for: it hears of it when it is continued. */
async function askToLeave(keeper: Keeper): Promise<void> {
  const asked = keeper.leave().catch(goneAlready);
  await Promise.race([asked, pause(FAREWELL)]);
}
