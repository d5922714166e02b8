import type { DaemonProblem, JournalRecord, KeeperAbout, KeptRun } from '@reeve/contract';
import type { Beat } from '../../base/beat.ts';
import type { Keeper } from '../../core/interfaces.ts';
import type { Log } from '../../supervisor/dependencies.ts';
import type { RecordSource } from '../../supervisor/run/keeper-records.ts';
import { KeeperHolder, type KeeperHolderOptions } from './holder.ts';
import type { KeeperProgram } from './keeper-program.ts';
import { type KeeperPlace, keeperPlace, keeperPlaces, removeKeeperPlace } from './places.ts';

export interface KeepersOptions {
  readonly home: string;
  readonly program: () => KeeperProgram;
  /** The newest keeper, when it is being started already. */
  readonly coming: Promise<unknown> | null;
  /** The last record of a place that was written down. */
  readonly since: (place: number) => number;
  readonly onRecord: (record: JournalRecord, from: RecordSource) => void;
  /** Another keeper has taken the place of one that died, and may know less. */
  readonly onReplaced: () => void;
  readonly onStalled: KeeperHolderOptions['onStalled'];
  readonly beat: Beat;
  readonly log: Log;
}

/** A keeper answers within a millisecond, on a busy machine within some ten. Milliseconds. */
const PATIENCE = 300;

/**
 * The keepers of a home. One, the newest as a rule, starts whatever is started. A keeper of another program than ours is not replaced:
 * only it learns how its children end. It stays beside a new one, which starts what is started from now on, and goes
 * when the last of its runs is over. See docs/decisions/0011.
 */
export class Keepers {
  readonly #options: KeepersOptions;
  /** The one that starts, then the others, newest first. */
  readonly #holders: KeeperHolder[];

  constructor(options: KeepersOptions) {
    this.#options = options;
    this.#holders = keeperPlaces(options.home).map((place, n) => this.#hold(place, n === 0 ? options.coming : null));
  }

  /** Every keeper answers, and the first is of our program: one that is there (after an upgrade and back), or a new one. */
  async ready(): Promise<readonly KeptRun[]> {
    const all = await Promise.all(this.#holders.map((holder) => holder.get()));
    const runs = all.flatMap((keeper) => keeper.runs);
    const { label } = this.#options.program();
    const ours = all.findIndex(({ version }) => version === label);
    if (ours >= 0) this.#holders.unshift(...this.#holders.splice(ours, 1));
    else this.#addNewest(label);
    for (const holder of this.#holders.slice(1)) await this.#retire(holder);
    return runs;
  }

  /** Who holds a run, or who is to start it. */
  holderOf(run: string): Promise<Keeper> {
    return (this.#holders.find((holder) => holder.holds(run)) ?? this.#first).get();
  }
  /** This daemon begins something: if its loop stalls, the keeper notices. */
  busy(what: string): void {
    this.#first.busy(what);
  }
  /** Who starts what is started now. */
  starter(): Promise<Keeper> {
    return this.#first.get();
  }

  /** What all of them hold now, ended or not. */
  runs(): readonly KeptRun[] {
    return this.#holders.flatMap((holder) => holder.runs);
  }
  get pid(): number | null {
    return this.#first.pid;
  }
  /** Newest first; without those that are being replaced. */
  about(): readonly KeeperAbout[] {
    return this.#holders.flatMap((holder) => holder.about ?? []);
  }

  /** Asks each whether it is there, and waits a moment for the answers: what is then said of them is true. */
  async check(patience = PATIENCE): Promise<void> {
    await Promise.all(this.#holders.map((holder) => holder.check(patience)));
  }
  /** What is wrong with the keeper of a run, or with the one that starts what is started. */
  problemOf(run?: string): DaemonProblem | null {
    const older = run === undefined ? undefined : this.#holders.slice(1).find((holder) => holder.holds(run));
    return (older ?? this.#first).problem;
  }
  get problems(): readonly DaemonProblem[] {
    return this.#holders.flatMap((holder) => holder.problem ?? []);
  }

  /** `leave`: the newest is asked to go if it holds nothing. */
  async close(options: { readonly leave: boolean }): Promise<void> {
    const [newest, ...older] = this.#holders;
    await Promise.all([newest?.close(options), ...older.map((holder) => holder.close({ leave: true }))]);
  }

  get #first(): KeeperHolder {
    const [newest] = this.#holders;
    if (!newest) throw new Error('there is always a keeper');
    return newest;
  }

  #addNewest(label: string): void {
    const { home, log } = this.#options;
    const number = Math.max(...this.#holders.map(({ place }) => place.number)) + 1;
    log.info({ place: number, label }, 'a keeper of this version comes beside the old one');
    // Not waited for: only a start needs it.
    this.#holders.unshift(this.#hold(keeperPlace(home, number), 'later'));
  }

  async #retire(holder: KeeperHolder): Promise<void> {
    await holder.retire(() => {
      this.#options.log.info({ place: holder.place.number }, 'the last run of an older keeper is over: it has gone');
      this.#holders.splice(this.#holders.indexOf(holder), 1);
      removeKeeperPlace(holder.place);
    });
  }

  #hold(place: KeeperPlace, coming: KeeperHolderOptions['coming']): KeeperHolder {
    const { program, since, onRecord, onReplaced, onStalled, beat, log } = this.#options;
    const holder: KeeperHolder = new KeeperHolder({
      place,
      program,
      coming,
      log,
      since: () => since(place.number),
      onRecord: (record) => onRecord(record, holder),
      onReplaced,
      onStalled,
      beat,
    });
    return holder;
  }
}
