import type { Exit, ProcessIdentity, ReceiptProcess, TrackerName } from '@reeve/contract';
import {
  commandOf,
  type HeldProcess,
  holdProcess,
  identityOf,
  isSame,
  loadSyscalls,
  pageSize,
  type SignalRefusal,
  type Stat,
} from '@reeve/host';
import type { FoundProcess } from '../core/interfaces.ts';
import { keyOf, type Memory } from './membership.ts';
import type { Snapshot } from './proc-scan.ts';

interface Entry {
  readonly process: ProcessIdentity;
  command: string;
  readonly foundBy: Set<TrackerName>;
  readonly signals: string[];
  exit: Exit | null;
  refusal: SignalRefusal | null;
  held: HeldProcess | null;
}

/** Everything that was seen and done about one run: what a receipt is made of, and what later looks start from. */
export class RunRecord {
  readonly #entries = new Map<string, Entry>();
  readonly #sessions = new Map<number, number>();
  readonly #groups = new Map<number, number>();

  /** A member, alive at this moment. Of one who is not proven to be the member that was known nothing is learnt. */
  see(stat: Stat, foundBy: Iterable<TrackerName>, isProven: boolean): FoundProcess | null {
    const process = identityOf(stat);
    if (process === null) return null;
    const entry = this.#entry(process);
    for (const by of foundBy) entry.foundBy.add(by);
    const command = commandOf(stat);
    if (!command.startsWith('[') || entry.command === '') entry.command = command; // it may have ended since the look
    if (isProven && stat.session === stat.pid) this.#sessions.set(stat.pid, stat.start);
    if (isProven && stat.pgrp === stat.pid) this.#groups.set(stat.pid, stat.start);
    return {
      process,
      command: entry.command,
      found_by: [...entry.foundBy],
      memory: stat.pages * pageSize(),
      cpu: stat.cpu,
    };
  }

  /** A process that is known to be of the run, though it was never seen alive. */
  name(process: ProcessIdentity, by: TrackerName): void {
    this.#entry(process).foundBy.add(by);
  }

  signalled(process: ProcessIdentity, signal: string): void {
    const entry = this.#entry(process);
    entry.refusal = null;
    if (entry.signals.at(-1) !== signal) entry.signals.push(signal);
  }

  refused(process: ProcessIdentity, refusal: SignalRefusal): void {
    this.#entry(process).refusal = refusal;
  }

  refusalOf(process: ProcessIdentity): SignalRefusal | null {
    return this.#entries.get(keyOf(process))?.refusal ?? null;
  }

  knows(process: ProcessIdentity): boolean {
    return this.#entries.has(keyOf(process));
  }

  exited(process: ProcessIdentity, exit: Exit): void {
    const entry = this.#entry(process);
    entry.exit = exit;
    release(entry);
  }

  /** Keeps a handle on a process that is known now and may not be recognised later. */
  hold(process: ProcessIdentity): void {
    const entry = this.#entry(process);
    entry.held ??= holdProcess(process);
  }

  heldOf(process: ProcessIdentity): HeldProcess | null {
    return this.#entries.get(keyOf(process))?.held ?? null;
  }

  /** Whether it has certainly ended: its end was reported, or its handle says so. */
  isOver(process: ProcessIdentity): boolean {
    const entry = this.#entries.get(keyOf(process));
    return entry !== undefined && isOver(entry);
  }

  /** Adopted processes whose end the keeper has not reported yet. */
  get untold(): readonly ProcessIdentity[] {
    return [...this.#entries.values()].flatMap(({ process, foundBy, exit }) =>
      exit === null && foundBy.has('subreaper') ? process : [],
    );
  }

  /** Lets go of all handles. */
  close(): void {
    for (const entry of this.#entries.values()) release(entry);
  }

  /**
   * Forgets what ended by itself before anything was sent to the run: a service may have a million short-lived children.
   * From the first signal on everything is kept for the receipt.
   */
  forgetEnded(snapshot: Snapshot, alive: ReadonlySet<number>): void {
    if (this.#isSignalled) return;
    this.#forget(({ process }) => !alive.has(process.pid));
    for (const id of this.#sessions.keys()) if (!snapshot.sessions.has(id)) this.#sessions.delete(id);
    for (const id of this.#groups.keys()) if (!snapshot.groups.has(id)) this.#groups.delete(id);
  }

  /** The same before the first signal: there may have been no look since those were seen. */
  aboutToSignal(): void {
    if (!this.#isSignalled) this.#forget(({ process }) => !isSame(process));
  }

  get #isSignalled(): boolean {
    return [...this.#entries.values()].some(({ signals }) => signals.length > 0);
  }

  /** Main stays: the run is known by it. */
  #forget(hasEnded: (entry: Entry) => boolean): void {
    for (const [key, entry] of this.#entries) {
      if (entry.foundBy.has('main') || !hasEnded(entry)) continue;
      release(entry);
      this.#entries.delete(key);
    }
  }

  memory(): Memory {
    const known = new Map<number, { start: number; foundBy: ReadonlySet<TrackerName> }>();
    const over = new Set<string>();
    const unproven = new Set<string>();
    for (const [key, entry] of this.#entries) {
      const { process, foundBy, held } = entry;
      if (isOver(entry)) over.add(key);
      else known.set(process.pid, { start: process.start, foundBy });
      if (held === null && hasHandles()) unproven.add(key);
    }
    return { known, sessions: this.#sessions, groups: this.#groups, over, unproven };
  }

  evidence(): readonly ReceiptProcess[] {
    return [...this.#entries.values()].map(({ process, command, foundBy, signals, exit }) => ({
      pid: process.pid,
      command,
      found_by: [...foundBy],
      signals: [...signals],
      exit,
    }));
  }

  #entry(process: ProcessIdentity): Entry {
    const key = keyOf(process);
    const entry = this.#entries.get(key);
    if (entry) return entry;
    const made: Entry = {
      process,
      command: '',
      foundBy: new Set(),
      signals: [],
      exit: null,
      refusal: null,
      held: null,
    };
    this.#entries.set(key, made);
    return made;
  }
}

/** Without handles pid and start tick are all there is to know a process again by. */
export function hasHandles(): boolean {
  return loadSyscalls().available;
}

function isOver({ exit, held }: Entry): boolean {
  return exit !== null || (held !== null && !held.isAlive());
}

function release(entry: Entry): void {
  entry.held?.[Symbol.dispose]();
}
