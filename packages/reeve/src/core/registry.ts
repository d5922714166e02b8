import type { Exit, Intent, PortSpec, ServiceSpec, ServiceView, StateName } from '@reeve/contract';
import type { Instant } from '../base/instant.ts';
import type { RunMarks } from './interfaces.ts';

/**
 * What reeve remembers, as rows. One writing daemon; the CLI opens it read-only when the daemon is down. It is history
 * and intent, never the proof that something runs. Every key begins with `node` (always `local` on one machine): the
 * registry fills it in, callers never see it. Projects are keyed by folder. JSON columns are parsed here.
 */
export interface ProjectRow {
  readonly folder: string;
  readonly name: string;
  readonly config: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly env_files: readonly string[];
}
export interface ServiceRow {
  readonly folder: string;
  readonly name: string;
  readonly spec: ServiceSpec;
  /** The caller's environment at the last `up`/`start`, filtered. Never shown unmasked. */
  readonly environment: Readonly<Record<string, string>>;
  readonly managed_by: ServiceView['managed_by'];
  readonly data: unknown;
  /** false: it left the config, and is kept until `--prune`. */
  readonly in_config: boolean;
}
export interface ServiceTimes {
  readonly created_at: Instant;
  readonly updated_at: Instant;
}
/** `generation` rises with each command that wants a new process: an instance of an older one is stale. */
export interface IntentRow {
  readonly folder: string;
  readonly service: string;
  readonly want: Intent;
  readonly generation: number;
  readonly at: Instant;
  readonly by: string;
}
export interface InstanceRow {
  readonly folder: string;
  readonly service: string;
  readonly index: number;
  readonly state: StateName;
  readonly reason: string | null;
  readonly restarts: number;
  /** The lifecycle's own value (core/lifecycle/table.ts), whole: what the next daemon continues from. */
  readonly machine: unknown;
  readonly at: Instant;
}
/** One spawn to exit. */
export interface RunRow {
  readonly run: string;
  readonly folder: string;
  readonly service: string;
  readonly index: number;
  readonly generation: number;
  /** The instance's `<id>`: names its log folder. */
  readonly id: string;
  readonly marks: RunMarks;
  readonly started_at: Instant;
  readonly ready_at: Instant | null;
  readonly ended_at: Instant | null;
  readonly exit: Exit | null;
}
export interface EventRow {
  readonly at: Instant;
  readonly folder: string;
  readonly project: string;
  readonly service: string | null;
  readonly instance: number | null;
  readonly run: string | null;
  readonly event: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** `seq` of the event that led to this one; null: it began by itself, or what led to it is not on record. */
  readonly cause: number | null;
}
export interface StoredEvent extends EventRow {
  readonly seq: number;
}
export interface EventQuery {
  readonly folder?: string;
  readonly service?: string;
  readonly after_seq?: number;
  readonly since?: Instant;
  /** The newest N of what matches, returned oldest first. */
  readonly newest?: number;
}
export interface LeaseRow {
  readonly port: number;
  readonly protocol: PortSpec['protocol'];
  readonly folder: string;
  readonly service: string;
  readonly index: number;
  readonly name: string | null;
  /** `auto` leases are kept while the service is known, so that its port is stable; `fixed` ones go with the run. */
  readonly kind: 'fixed' | 'auto';
  readonly run: string | null;
  readonly at: Instant;
}
export interface AuditRow {
  readonly at: Instant;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly reason: string | null;
  readonly outcome: string;
}
export interface AnnouncementRow {
  readonly id: string;
  readonly folder: string;
  readonly service: string;
  readonly owner: unknown;
  readonly announcement: unknown;
  readonly at: Instant;
}

export interface Registry {
  /** One transaction; nested calls join it. `durable` (intent, audit) waits for the disk, else the next checkpoint does. */
  transaction<T>(kind: 'durable' | 'usual', work: () => T): T;
  readonly projects: {
    all(): readonly ProjectRow[];
    save(row: ProjectRow): void;
    /** With its services, instances, intents, leases; history stays unless `purge`. */
    remove(folder: string, purge: boolean): void;
  };
  readonly services: {
    of(folder: string): readonly ServiceRow[];
    /** Name → when it was first saved, and last. */
    times(folder: string): ReadonlyMap<string, ServiceTimes>;
    save(row: ServiceRow): void;
    remove(folder: string, name: string): void;
  };
  readonly intents: { of(folder: string): readonly IntentRow[]; save(row: IntentRow): void };
  readonly instances: {
    of(folder: string): readonly InstanceRow[];
    save(row: InstanceRow): void;
    /** Those of instances from `index` on that has rested since before. */
    removeRested(folder: string, service: string, index: number, before: Instant): number;
  };
  readonly runs: {
    /** Inserts or replaces by `run`. */
    save(row: RunRow): void;
    get(run: string): RunRow | null;
    /** Newest first. */
    of(folder: string, service: string, index: number, limit: number): readonly RunRow[];
    open(): readonly RunRow[];
    /** `most` at once, so that a large registry is not locked for long. How many were removed. */
    removeEndedBefore(at: Instant, most: number): number;
  };
  readonly events: {
    append(row: EventRow): StoredEvent;
    /** null: no such event, or it is forgotten. */
    get(seq: number): StoredEvent | null;
    find(query: EventQuery): readonly StoredEvent[];
    /** Each instance that something has ever happened to, once. */
    instancesOf(folder: string): readonly { readonly service: string; readonly instance: number }[];
    /** The next event gets a higher number than this, whatever is on record: readers have seen it. */
    continueAfter(seq: number): void;
    /** The oldest `most` of what is older. How many were removed. */
    removeBefore(at: Instant, most: number): number;
    /** The oldest `most` of what is beyond the newest `kept`. How many were removed. */
    removeBeyond(kept: number, most: number): number;
  };
  readonly leases: {
    all(): readonly LeaseRow[];
    ofRun(run: string): readonly LeaseRow[];
    /** Takes the lease, or returns who holds it. A port + protocol has one holder. The same holder takes it again freely. */
    take(row: LeaseRow): { readonly taken: true } | { readonly taken: false; readonly holder: LeaseRow };
    release(
      filter:
        | { readonly run: string }
        | { readonly folder: string; readonly service?: string; readonly index?: number },
    ): void;
  };
  readonly audit: {
    append(row: AuditRow): void;
    newest(limit: number): readonly AuditRow[];
    /**
     * Removes rows at the old end, `most` at once: what is older than `before`, and what is beyond the newest `kept`. The
     * newest row stays. Returns how many were removed.
     */
    prune(limits: { readonly before: number; readonly kept: number; readonly most: number }): number;
  };
  readonly announcements: {
    all(): readonly AnnouncementRow[];
    /** null: there is none. */
    get(id: string): AnnouncementRow | null;
    save(row: AnnouncementRow): void;
    remove(id: string): void;
  };
  /** Small facts of the daemon itself: `keeper_seq`, `boot`, … */
  readonly facts: { get(name: string): string | null; set(name: string, value: string): void };
  close(): void;
}
