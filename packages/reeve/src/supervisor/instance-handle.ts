import type {
  Exit,
  ProcessIdentity,
  ReceiptProcess,
  ServiceSpec,
  SpawnRequest,
  StopCommandView,
} from '@reeve/contract';
import type { Instant } from '../base/instant.ts';
import type { Notified } from '../core/announced/notified.ts';
import type { Owners, RunProcesses } from '../core/interfaces.ts';
import type { Event, Machine } from '../core/lifecycle/types.ts';
import type { ProjectRow, RunRow, ServiceRow } from '../core/registry.ts';
import type { Health } from '../core/restart/health.ts';
import type { Dependencies, Lease, Resolved } from './dependencies.ts';
import type { EventRef, Outbox } from './outbox.ts';

/** What exists only while a run does. */
export interface LiveRun {
  row: RunRow;
  readonly processes: RunProcesses;
  readonly leases: readonly Lease[];
  readonly resolved: Resolved;
  /** Whom the service runs as, when it is not reeve's own user. */
  readonly user: SpawnRequest['user'];
}

/** What is known of the stop command of a run. */
export interface StopCommandRun {
  /** null: it has not been started. */
  readonly process: ProcessIdentity | null;
  /** null: it has not ended. */
  readonly view: StopCommandView | null;
}

/** What is left of a run for its receipt. */
export interface Remains {
  readonly run: string;
  readonly processes: readonly ReceiptProcess[];
  readonly promise: RunProcesses['promise'];
  readonly ports: readonly number[];
  readonly stopCommand: StopCommandView | null;
}

export interface InstanceHost {
  readonly deps: Dependencies;
  readonly outbox: Outbox;
  /** Whose every process of the home is, now. */
  owners(): Promise<Owners>;
  /** Something that others may be waiting for has changed. */
  changed(instance: Actor): void;
  /** The instance has another run than before. */
  attached(instance: Actor, before: string | null, now: string | null): void;
}

/** What an instance needs to know of its project. */
export interface ProjectFacts {
  readonly row: ProjectRow;
  /** Of the service, as the last `up` or `start` kept it. */
  environmentOf(service: string): Readonly<Record<string, string>>;
  rowOf(service: string): ServiceRow;
  /** A dependency of the service that does not meet its condition now, as a sentence; null: all do. */
  dependencyThatIsDown(service: string): string | null;
}

/** An instance, as the parts that act for it see it. */
export interface Actor {
  readonly project: ProjectFacts;
  readonly spec: ServiceSpec;
  readonly index: number;
  readonly id: string;
  readonly selector: string;
  readonly host: InstanceHost;
  readonly machine: Machine;
  readonly live: LiveRun | null;
  health: Health;
  /** What the present run has said about itself. */
  notified: Notified;
  /** When the present run last sent WATCHDOG=1 to this daemon, by the monotonic clock. */
  pingedAt: Instant | null;
  /** The last readiness answer that was no. */
  lacking: string | null;
  /** Of the present run; null: not executed. */
  stopCommand: StopCommandRun | null;
  /** Of the run before the present one. */
  readonly previous: Exit | null;
  post(event: Event): void;
  /**
   * `cause`: the event that led to it; left out: the last one of this instance; null: it began by itself.
   * Returns what a later event may name as its cause.
   */
  tell(event: string, message: string, data?: Readonly<Record<string, unknown>>, cause?: EventRef | null): EventRef;
  /** The last event told of this instance: what comes next follows from it, unless something else is named. */
  readonly last: EventRef | null;
  /** The run is about to be spawned, or has got its main process. */
  attach(live: LiveRun): void;
}

/** An instance, as its own hands see it: they take its runs from it, and leave what remains. */
export interface RunOwner extends Actor {
  live: LiveRun | null;
  remains: Remains | null;
}
