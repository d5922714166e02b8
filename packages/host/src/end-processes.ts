import type { ProcessIdentity, ReceiptProcess, TrackerName } from '@reeve/contract';
import { kinOf } from './linux/kin.ts';
import { isLiveState, readStat, type Stat } from './linux/proc-stat.ts';
import { commandOf, identityOf, scanStats } from './linux/process-table.ts';
import { explainSurvivor } from './linux/survivors.ts';
import { type HeldProcess, holdProcess, type SignalRefusal, sendSignal } from './signals.ts';
import { pause } from './timer.ts';

/** A process that was looked up, and why it is one of those to be ended. */
export interface Target {
  readonly process: ProcessIdentity;
  readonly command: string;
  readonly foundBy: readonly TrackerName[];
}
export interface EndOptions {
  /** Milliseconds until SIGKILL; the first half is for the named ones alone, unless they have ended before. 0: at once. */
  readonly grace: number;
  /** Milliseconds for killing and verifying, after the grace. */
  readonly budget: number;
  /** Never touched, nor what hangs only below it. */
  readonly spare: (stat: Stat) => boolean;
}
export interface Ending extends Target {
  readonly signals: readonly string[];
  /** Why it is still there, in one clause; null: it has ended. */
  readonly left: string | null;
}

/** The line of a receipt. How it ended is its parent's to know. */
export function receiptProcess({ process, command, foundBy, signals }: Ending): ReceiptProcess {
  return { pid: process.pid, command, found_by: foundBy, signals, exit: null };
}

interface Entry {
  readonly process: ProcessIdentity;
  readonly command: string;
  readonly foundBy: Set<TrackerName>;
  readonly isNamed: boolean;
  readonly signals: string[];
  /** Keeps the pid from becoming another's while we look; null: this system has no handles. */
  readonly held: HeldProcess | null;
  refusal: SignalRefusal | null;
}

const FIRST_PAUSE = 5;
const LAST_PAUSE = 50;
const MOST_FREEZE_ROUNDS = 20;
const NO_WITNESS = { cookie: null, cgroup: null };

/**
 * Ends processes and what belongs to them (descendants, sessions they lead), and proves it: SIGTERM to the named ones,
 * then to the rest; after the grace all are stopped until a look finds no new process, and killed; done when two looks
 * in a row find none. Only processes that are still the ones that were looked up are signalled.
 */
export async function endProcesses(named: readonly Target[], options: EndOptions): Promise<readonly Ending[]> {
  using crowd = new Crowd(named, options.spare);
  const begun = performance.now();
  const end = begun + options.grace;
  if (options.grace > 0) {
    crowd.look();
    crowd.ask((entry) => entry.isNamed);
    await crowd.untilGone(begun + options.grace / 2, (entry) => entry.isNamed);
    crowd.look();
    crowd.ask((entry) => entry.signals.length === 0);
    await crowd.untilGone(end, () => true);
  }
  await crowd.kill(performance.now() + options.budget);
  return crowd.endings();
}

class Crowd implements Disposable {
  readonly #entries = new Map<string, Entry>();
  readonly #sessions = new Map<number, number>();
  readonly #spare: (stat: Stat) => boolean;

  constructor(named: readonly Target[], spare: (stat: Stat) => boolean) {
    this.#spare = spare;
    for (const { process, command, foundBy } of named) this.#take(process, command, foundBy, true);
  }

  /** Takes in who belongs to them now. Returns who is new. */
  look(): readonly Entry[] {
    const live = scanStats().filter(isLiveState);
    for (const stat of live) {
      if (stat.session === stat.pid && this.#entries.has(keyOf(stat))) this.#sessions.set(stat.pid, stat.start);
    }
    const known = [...this.#entries.values()].map((entry) => entry.process);
    return kinOf(known, live, this.#spare, this.#sessions).flatMap(({ stat, by }) => {
      const process = identityOf(stat);
      return process === null ? [] : this.#take(process, commandOf(stat), [by], false);
    });
  }

  /** SIGTERM, and SIGCONT so that one who is stopped can hear it. */
  ask(whom: (entry: Entry) => boolean): void {
    for (const entry of this.#alive(whom)) {
      if (this.#send(entry, 'SIGTERM')) this.#send(entry, 'SIGCONT');
    }
  }

  /** Resolves when none of them is alive, or at `end` (`performance.now()`). */
  async untilGone(end: number, whom: (entry: Entry) => boolean): Promise<void> {
    for (let rest = FIRST_PAUSE; this.#alive(whom).length > 0; rest = Math.min(rest * 1.5, LAST_PAUSE)) {
      const left = end - performance.now();
      if (left <= 0) return;
      await pause(Math.min(rest, left));
    }
  }

  async kill(end: number): Promise<void> {
    for (let clean = 0, rest = FIRST_PAUSE; clean < 2; ) {
      this.look();
      if (this.#alive(() => true).length === 0) {
        clean += 1;
        continue;
      }
      clean = 0;
      this.#hold();
      for (const entry of this.#alive(() => true)) this.#send(entry, 'SIGKILL');
      if (performance.now() >= end) return;
      await pause(rest);
      rest = Math.min(rest * 1.5, LAST_PAUSE);
    }
  }

  endings(): readonly Ending[] {
    return [...this.#entries.values()].map((entry) => ({
      process: entry.process,
      command: entry.command,
      foundBy: [...entry.foundBy],
      signals: [...entry.signals],
      left: isAlive(entry) ? explainSurvivor(entry.process.pid, entry.refusal) : null,
    }));
  }

  [Symbol.dispose](): void {
    for (const { held } of this.#entries.values()) held?.[Symbol.dispose]();
  }

  /** A parent that is killed first leaves children that no tree shows any more: all are stopped before. */
  #hold(): void {
    for (let round = 0, fresh = this.#alive(() => true); fresh.length > 0 && round < MOST_FREEZE_ROUNDS; round++) {
      for (const entry of fresh) sendSignal(entry.process, NO_WITNESS, 'SIGSTOP', witnessOf(entry));
      fresh = [...this.look()];
    }
  }

  #alive(whom: (entry: Entry) => boolean): Entry[] {
    return [...this.#entries.values()].filter((entry) => whom(entry) && isAlive(entry));
  }

  #send(entry: Entry, signal: string): boolean {
    const result = sendSignal(entry.process, NO_WITNESS, signal, witnessOf(entry));
    if (!result.ok) {
      entry.refusal = result.reason;
      return false;
    }
    entry.refusal = null;
    if (signal !== 'SIGCONT' && entry.signals.at(-1) !== signal) entry.signals.push(signal);
    return true;
  }

  /** Returns it if it is new. */
  #take(
    process: ProcessIdentity,
    command: string,
    foundBy: readonly TrackerName[],
    isNamed: boolean,
  ): readonly Entry[] {
    const known = this.#entries.get(keyOf(process));
    for (const by of foundBy) known?.foundBy.add(by);
    if (known) return [];
    const entry = { process, command, foundBy: new Set(foundBy), isNamed, signals: [], refusal: null };
    const taken: Entry = { ...entry, held: holdProcess(process) };
    this.#entries.set(keyOf(process), taken);
    return [taken];
  }
}

function keyOf({ pid, start }: Pick<ProcessIdentity, 'pid' | 'start'>): string {
  return `${pid}:${start}`;
}

/** Without handles the start tick has to do. */
function witnessOf({ held, process }: Entry) {
  return held === null ? { seen: process } : { held };
}

/** A zombie has ended; only its parent has not looked yet. */
function isAlive({ process }: Pick<Entry, 'process'>): boolean {
  const stat = readStat(process.pid);
  return stat !== null && stat.start === process.start && isLiveState(stat);
}
