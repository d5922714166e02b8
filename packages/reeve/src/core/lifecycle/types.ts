import type { Exit, ProcessIdentity, RestartSpec, StateName, StopSpec } from '@reeve/contract';
import type { Instant, Millis } from '../../base/instant.ts';
import type { Blame } from '../restart/blame.ts';
import type { Cascade } from '../restart/dependency-outage.ts';
import type { Ledger } from '../restart/restart.ts';

/**
 * The words of the lifecycle. All instants here are by the monotonic clock (milliseconds since boot), so that a wall
 * clock that jumps changes no delay, and so that the next daemon of the same boot can continue from a persisted value.
 */

/** Why a run is being ended. */
export type StopCause =
  /** The intent went down. */
  | { readonly kind: 'asked' }
  /** A newer generation wants another process: `restart`, or `up` with a changed config. */
  | { readonly kind: 'stale' }
  /**
   * The main process ended by itself; what it left is swept away. `unseen`: reeve was not there (the keeper had died),
   * so nobody can say whether it was a failure.
   */
  | { readonly kind: 'ended'; readonly unseen?: true }
  | { readonly kind: 'unhealthy'; readonly by: 'health' | 'watchdog'; readonly why: string }
  /** What it needs went away, and its `on_down` says not to go on as before. No fault of its own: no budget is charged. */
  | { readonly kind: 'dependency'; readonly action: 'restart' | 'stop'; readonly why: string }
  | { readonly kind: 'not-ready'; readonly why: string };

/** Why an instance is `failed`. `code` is an error code of the catalogue, or `exit`, `limit`, `unfinished-stop`, … */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** What to do about it, where that is known: mostly a command. */
  readonly fix?: string;
}

/**
 * How far a stop has come: running its stop command → it went well, and main may end by itself → main is asked → the rest
 * as well → SIGKILL → only its exit status is awaited. Without a stop command it begins with main.
 */
export type StopPhase = 'hook' | 'hooked' | 'main' | 'rest' | 'kill' | 'reap';

export type State =
  /** `why` is set when no command asked for it, and there is something to say. */
  | { readonly name: 'stopped'; readonly last: Exit | null; readonly why?: string }
  /** Wants to run and may not yet. */
  | { readonly name: 'waiting'; readonly last: Exit | null; readonly why: string | null; readonly hopeless: boolean }
  | {
      readonly name: 'spawning';
      readonly run: string;
      readonly stop: StopCause | null;
      readonly hurry: boolean;
      /** Of the hurry; left out: none. */
      readonly grace?: Millis;
    }
  | {
      readonly name: 'starting';
      readonly run: string;
      readonly process: ProcessIdentity;
      readonly since: Instant;
      /** It has asked for time until then (`EXTEND_TIMEOUT_USEC=`). */
      readonly until?: Instant;
    }
  | { readonly name: 'running'; readonly run: string; readonly process: ProcessIdentity; readonly since: Instant }
  /** Alive and suspended (SIGSTOP) while what it needs is away. Not ready. */
  | {
      readonly name: 'paused';
      readonly run: string;
      readonly process: ProcessIdentity;
      readonly since: Instant;
      readonly why: string;
    }
  | {
      readonly name: 'stopping';
      readonly run: string;
      /** null: main has ended, or was never known. */
      readonly process: ProcessIdentity | null;
      readonly cause: StopCause;
      readonly phase: StopPhase;
      readonly killAt: Instant;
      /** When those of the present phase got the stop signal; left out: none has got it yet. */
      readonly askedAt?: Instant;
      readonly exit: Exit | null;
      /** When it last became ready; null: it never was in this run. */
      readonly readySince: Instant | null;
      /** Main has ended by itself and had left others behind. */
      readonly left?: true;
    }
  | { readonly name: 'backoff'; readonly last: Exit | null; readonly until: Instant; readonly why: string }
  | { readonly name: 'completed'; readonly last: Exit | null }
  /** `run` is set only after an unfinished stop: its survivors are still watched, and no start is allowed. */
  | { readonly name: 'failed'; readonly last: Exit | null; readonly failure: Failure; readonly run: string | null };

export type StateNamed<S extends StateName> = Extract<State, { readonly name: S }>;

export type Event =
  /** Every condition is met: spawn now. */
  | { readonly name: 'start'; readonly run: string; readonly generation: number }
  /** Should run, but a condition is not met. */
  | {
      readonly name: 'hold';
      readonly why: string;
      /** It will not change without a person's doing. */
      readonly hopeless: boolean;
    }
  | { readonly name: 'stop'; readonly cause: Extract<StopCause, { readonly kind: 'asked' | 'stale' }> }
  /** No more patience: SIGKILL to everything, but to nobody who has not had the stop signal for so long. */
  | { readonly name: 'hurry'; readonly grace: Millis }
  | { readonly name: 'spawned'; readonly process: ProcessIdentity }
  /** The start was refused: by the system, or before it by a conflict. `again`: when to try again; null: it cannot help. */
  | { readonly name: 'refused'; readonly failure: Failure; readonly again: Millis | null }
  | { readonly name: 'ready'; readonly how: string }
  | { readonly name: 'unhealthy'; readonly by: 'health' | 'watchdog'; readonly why: string }
  /** A dependency's condition holds no more, and its `on_down` asks for this. */
  | { readonly name: 'lost'; readonly why: string; readonly action: 'restart' | 'stop' | 'pause' }
  /** Every dependency whose `on_down` is not `ignore` meets its condition again. */
  | { readonly name: 'regained' }
  /** `watched`: its end was seen, though nobody could ask for its exit status. */
  | { readonly name: 'exited'; readonly exit: Exit; readonly watched?: true }
  /** The run has named another of its processes, a verified one, as its main one. */
  | { readonly name: 'main'; readonly process: ProcessIdentity }
  /** The run asks for so much time from now on, for its start or its stop. */
  | { readonly name: 'extend'; readonly by: Millis }
  /** The stop command has ended, or could not be started. `what` completes "its stop command …". */
  | { readonly name: 'hooked'; readonly ok: boolean; readonly what: string }
  /** Somebody of the run is alive (told once per watch). */
  | { readonly name: 'remains' }
  /** Nobody of the run is alive. */
  | { readonly name: 'gone' }
  /** The kill budget is over and somebody is still alive. */
  | { readonly name: 'survived'; readonly who: string }
  | { readonly name: 'timer' };
export type EventName = Event['name'];
export type EventNamed<E extends EventName> = Extract<Event, { readonly name: E }>;

export type Effect =
  | { readonly do: 'spawn'; readonly run: string }
  /** The service's own stop signal. */
  | { readonly do: 'signal'; readonly whom: 'main' | 'rest' | 'all' }
  /** Executes the stop command, unless it runs already: answers `hooked`. */
  | { readonly do: 'hook' }
  /** SIGKILL to the stop command, which has taken too long. */
  | { readonly do: 'end-hook' }
  /** Look who is left and go on looking: answers `remains` at most once, then `gone`. A new watch replaces the old. */
  | { readonly do: 'watch' }
  /** SIGKILL to all until nobody is left (`gone`) or the budget is over (`survived`). */
  | { readonly do: 'kill'; readonly budget: Millis }
  /** `timer` after this long; replaces the one before. A transition to another state disarms it. */
  | { readonly do: 'arm'; readonly delay: Millis }
  | { readonly do: 'probe'; readonly what: 'ready' | 'health' }
  /** SIGSTOP, or SIGCONT, to all. */
  | { readonly do: 'suspend' }
  | { readonly do: 'resume' }
  | { readonly do: 'release'; readonly run: string }
  | {
      readonly do: 'tell';
      readonly event: string;
      readonly message: string;
      readonly data?: Readonly<Record<string, unknown>>;
    };

/** What the table needs to know of the spec. */
export interface Policy {
  readonly name: string;
  readonly oneshot: boolean;
  readonly restart: RestartSpec;
  readonly stop: StopSpec;
  /** null: no limit (one-shots). */
  readonly readyTimeout: Millis | null;
  readonly restartWhenUnhealthy: boolean;
}

/** All there is to know about an instance between two events; persisted whole. */
export interface Machine {
  readonly state: State;
  /** Of the intent that the present or last run belongs to; 0: none yet. */
  readonly generation: number;
  readonly ledger: Ledger;
  readonly cascade: Cascade;
  /** Rises when the state changes: a timer of another epoch is stale and dropped. */
  readonly epoch: number;
}

export interface Context {
  readonly now: Instant;
  /** The same moment by the wall clock, RFC 3339: for what people read. */
  readonly at: string;
  readonly policy: Policy;
  readonly ledger: Ledger;
  readonly cascade: Cascade;
  /** Of the run that has just ended. */
  readonly aftermath: Aftermath;
  /** What the last readiness probe answered, for the reason of a start that takes too long. */
  readonly lacking: string | null;
  /** 0 ≤ chance < 1, for the jitter. */
  readonly chance: number;
}

/** What a look at a run that has ended tells about why. */
export interface Aftermath {
  /** A fault that a retry cannot fix. */
  readonly blame: Blame | null;
  /** The last lines that it wrote, secrets masked. */
  readonly lines: readonly string[];
  /** The kernel ended a process of it because memory ran out. */
  readonly isOutOfMemory: boolean;
  /** What it needs and was away when it ended, as a sentence: its end is then no fault of its own. */
  readonly missing: string | null;
}
export const NO_AFTERMATH: Aftermath = { blame: null, lines: [], isOutOfMemory: false, missing: null };

export interface Next {
  readonly state: State;
  readonly effects: readonly Effect[];
  readonly ledger?: Ledger;
  readonly cascade?: Cascade;
  readonly generation?: number;
}

export type Step<S extends StateName, E extends EventName> = (
  state: StateNamed<S>,
  event: EventNamed<E>,
  ctx: Context,
) => Next;
export type Table = { readonly [S in StateName]: { readonly [E in EventName]: Step<S, E> } };
