import type { DaemonProblem, HealthSpec, KeptRun, ReadySpec, ServiceSpec } from '@reeve/contract';
import type { Instant } from '../base/instant.ts';
import type { Announced } from '../core/announced/announced.ts';
import type { Keeper, Platform, Probes, UserEntry } from '../core/interfaces.ts';
import type { LeaseRow, ProjectRow, Registry } from '../core/registry.ts';
import type { Executed } from '../core/spec/executed.ts';

/** Everything of the world that the supervisor acts through. Built by the daemon; nothing here reads a clock itself. */
export interface Dependencies {
  readonly home: string;
  readonly platform: Platform;
  readonly probes: Probes;
  readonly registry: Registry;
  /** The keeper that holds a run; when none does, the one that starts. One that has died: waits for the next. */
  readonly keeper: (run: string) => Promise<Keeper>;
  /** The keeper that starts what is started now. */
  readonly starter: () => Promise<Keeper>;
  /** What is wrong with the keeper of a run, or with the one that starts what is started; null: nothing is known. */
  readonly keeperProblem: (run?: string) => DaemonProblem | null;
  /** What the keepers hold now, ended or not. */
  readonly keptRuns: () => readonly KeptRun[];
  readonly clock: Clock;
  /** 0 ≤ chance < 1. */
  readonly chance: () => number;
  readonly newRunId: () => string;
  /** A limit mark that no other run has. */
  readonly newMark: (id: string) => number;
  /** `<id>` of an instance: names its files. */
  readonly instanceId: (folder: string, service: string, index: number) => string;
  readonly logFolder: (id: string) => string;
  /** Path of the notify socket of a run. */
  readonly notifySocket: (of: { readonly id: string; readonly run: string; readonly isOtherUser: boolean }) => string;
  /** The newest lines that a run of the instance wrote, oldest first. */
  readonly lastLines: (id: string, run: string, newest: number) => Promise<readonly string[]>;
  /** Everything of a spec that depends on the moment of the start: files are read again. Rejects with a ReeveError. */
  readonly resolve: (input: ResolveInput) => Promise<Resolved>;
  /** What says itself that it is there, in this home. */
  readonly announced: () => readonly Announced[];
  readonly chooseAutoPort: (wish: AutoPortWish) => number;
  readonly self: { readonly uid: number; readonly gid: number; readonly isRoot: boolean };
  readonly log: Log;
}

export interface Clock {
  /** Wall clock, for people. */
  now(): Instant;
  /** Milliseconds since boot: for delays and for what the next daemon of this boot continues from. */
  monotonic(): Instant;
}

export interface Log {
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
  error(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export interface ResolveInput {
  readonly project: ProjectRow;
  readonly spec: ServiceSpec;
  /** As kept from the `up` or `start` that last applied it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly index: number;
  readonly run: string;
  readonly ports: readonly Lease[];
  readonly user: UserEntry | null;
  /**
   * Of a run that is there already: what is known of the secrets that it was started with. No command of the user's is
   * then executed, and what is missing stays unknown. Left out: every secret is fetched.
   */
  readonly startedWith?: Readonly<Record<string, string>>;
}
export interface Resolved {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ready: ReadySpec | null;
  readonly health: HealthSpec | null;
  readonly stop: readonly string[] | null;
  /** Values that are shown nowhere; null: of a run of an earlier daemon, and not all of them are known. */
  readonly secrets: readonly string[] | null;
  readonly cleanup: readonly string[] | null;
  readonly executed: Executed;
}

export interface AutoPortWish {
  readonly folder: string;
  readonly service: string;
  readonly index: number;
  readonly name: string | null;
  readonly taken: ReadonlySet<number>;
}

export type Lease = Pick<LeaseRow, 'name' | 'port' | 'protocol'>;
