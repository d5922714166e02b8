import { closeSync, fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { openToChange } from '@reeve/host';
import type { Beat } from '../base/beat.ts';
import type { Registry } from '../core/registry.ts';
import { parseDuration } from '../core/spec/durations.ts';
import type { Log } from '../supervisor/dependencies.ts';

const DAY = 24 * 3600_000;
/** How often it is looked whether a day has passed (ms): a daemon may be started anew every hour. */
const LOOK = 10 * 60_000;
/** Rows that are removed at once: some milliseconds. */
const BATCH = 500;
const LAST_TIME = 'last_retention';
/** The keeper's complaints are cut to their newest part when they are longer. Bytes. */
const COMPLAINTS = 1 << 20;
const COMPLAINTS_KEPT = 64 * 1024;

export interface HistoryLimits {
  /** Milliseconds. */
  readonly age: number;
  readonly events: number;
  /** Of rows of the audit trail, which are few and are asked for late. Milliseconds. */
  readonly auditAge: number;
  readonly auditRows: number;
}
const STANDARD: HistoryLimits = { age: 30 * DAY, events: 100_000, auditAge: 365 * DAY, auditRows: 100_000 };

/** `REEVE_HISTORY_AGE` (`30d`), `REEVE_HISTORY_EVENTS` (`100000`), and the same of `REEVE_AUDIT_…`; what is not valid is reported, and the default holds. */
export function historyLimits(env: Readonly<Record<string, string | undefined>>, log: Log): HistoryLimits {
  const read = (name: string, parse: (text: string) => number | null, standard: number): number => {
    const text = env[name];
    if (text === undefined || text === '') return standard;
    const value = parse(text);
    if (value === null) log.warn({ name, value: text }, 'invalid value: the default is used');
    return value ?? standard;
  };
  const count = (text: string): number | null => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : null);
  return {
    age: read('REEVE_HISTORY_AGE', parseDuration, STANDARD.age),
    events: read('REEVE_HISTORY_EVENTS', count, STANDARD.events),
    auditAge: read('REEVE_AUDIT_AGE', parseDuration, STANDARD.auditAge),
    auditRows: read('REEVE_AUDIT_ROWS', count, STANDARD.auditRows),
  };
}

export interface RetentionWorld {
  readonly registry: Registry;
  readonly log: Log;
  readonly now: () => number;
  readonly limits: HistoryLimits;
  /** Services, with how many instances they have. */
  readonly services: () => Iterable<{ readonly folder: string; readonly name: string; readonly instances: number }>;
  readonly forgetAnnouncements: (before: number, most: number) => number;
  /** Files of complaints that grow for ever otherwise. */
  readonly complaints: readonly string[];
}

/** Forgets old history once a day, in small steps, so that no command waits for it. */
export class Retention {
  readonly #world: RetentionWorld;
  readonly #leaveBeat: () => void;
  #isClosed = false;
  #isAtWork = false;

  constructor(world: RetentionWorld, beat: Beat) {
    this.#world = world;
    this.#leaveBeat = beat.every(LOOK, () => void this.#look());
  }

  close(): void {
    this.#isClosed = true;
    this.#leaveBeat();
  }

  async #look(): Promise<void> {
    const { registry, now, log } = this.#world;
    try {
      const last = Number(registry.facts.get(LAST_TIME) ?? 0);
      if (this.#isAtWork || Math.abs(now() - last) < DAY) return; // a clock that went back must not stop it
      await this.run();
    } catch (error) {
      log.warn({ err: error }, 'old history was not removed');
    }
  }

  /** All that is due now. */
  async run(): Promise<void> {
    this.#isAtWork = true;
    try {
      for (const step of this.#steps()) while (!this.#isClosed && step() >= BATCH) await turn();
      if (!this.#isClosed) this.#world.registry.facts.set(LAST_TIME, String(this.#world.now()));
    } finally {
      this.#isAtWork = false;
    }
  }

  #steps(): readonly (() => number)[] {
    const { registry, limits, now, services, forgetAnnouncements, complaints } = this.#world;
    const before = now() - limits.age;
    return [
      () => registry.events.removeBefore(before, BATCH),
      () => registry.events.removeBeyond(limits.events, BATCH),
      () => registry.audit.prune({ before: now() - limits.auditAge, kept: limits.auditRows, most: BATCH }),
      () => registry.runs.removeEndedBefore(before, BATCH),
      () => forgetAnnouncements(before, BATCH),
      ...[...services()].map(({ folder, name, instances }) => {
        return () => registry.instances.removeRested(folder, name, instances, before);
      }),
      ...complaints.map((file) => () => shorten(file)),
    ];
  }
}

/** Its writer appends, and continues behind what stays. */
function shorten(file: string): 0 {
  let fd: number;
  try {
    fd = openToChange(file);
  } catch {
    return 0; // there is none, or something else lies in its place
  }
  try {
    const { size } = fstatSync(fd);
    if (size <= COMPLAINTS) return 0;
    const kept = Buffer.alloc(COMPLAINTS_KEPT);
    readSync(fd, kept, 0, kept.length, size - kept.length);
    ftruncateSync(fd, 0);
    writeSync(fd, kept, 0, kept.length, 0);
    return 0;
  } finally {
    closeSync(fd);
  }
}
