import type { LogSpec } from './spec.ts';
import type { Exit, ProcessIdentity } from './states.ts';

/**
 * The keeper's protocol. NDJSON over `run/keeper.sock`: requests carry an `id` and get one reply; journal records are
 * pushed, in order, after `hello`. It carries no policy: what to do about a record is the daemon's business.
 * The journal (`keeper/journal.ndjson`) holds the same records; a keeper that finds one at its start takes over the
 * runs in it that still live: it reopens their FIFOs and reports their end as `unobserved`.
 */
export const KEEPER_PROTOCOL = 1;

/** Everything needed to start one run; the keeper looks nothing up. */
export interface SpawnRequest {
  /** Unique per spawn; also the cookie `REEVE_RUN`. */
  readonly run: string;
  /** The instance's `<id>`: 12 hex; names its FIFOs and its log folder. */
  readonly id: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Complete: nothing is added or inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Become this user (needs root): ids resolved by the daemon. `name` is for `setpriv --init-groups`. */
  readonly user: { readonly name: string; readonly uid: number; readonly gid: number } | null;
  readonly umask: number | null;
  readonly nice: number | null;
  readonly limits: Readonly<Record<string, number>>;
  /** Absolute folder of an existing cgroup that the process enters before it runs; null: none. */
  readonly cgroup: string | null;
  /**
   * The limit mark: soft RLIMIT_RTTIME (µs) that it is born with, this run's alone and too large to have an effect.
   * Inherited through fork, exec, setsid and an emptied environment. null: none. Source: DESIGN.md decision 2.
   */
  readonly mark: number | null;
  /** Where its log segments go; null: output is discarded. */
  readonly logs: { readonly folder: string; readonly rotation: LogSpec } | null;
}

/** A run that the keeper holds: alive, or ended and not yet forgotten. */
export interface KeptRun {
  readonly run: string;
  readonly id: string;
  readonly process: ProcessIdentity;
  readonly exit: Exit | null;
}

export type KeeperRequest =
  | {
      readonly do: 'hello';
      readonly protocol: number /** Replay records after this one; 0: all. */;
      readonly since: number;
    }
  | { readonly do: 'spawn'; readonly spawn: SpawnRequest }
  /** Copies what is in the FIFOs of a run now, closes and removes them, and forgets the run once it has ended. */
  | { readonly do: 'release'; readonly run: string }
  /** The daemon has persisted everything up to here: the journal may drop it. */
  | { readonly do: 'acknowledge'; readonly seq: number }
  /** Go when no run is held; the reply comes before it goes. */
  | { readonly do: 'leave' };

export interface KeeperReplies {
  readonly hello: {
    readonly protocol: number;
    readonly pid: number;
    readonly version: string;
    readonly seq: number;
    readonly runs: readonly KeptRun[];
    /** Why it does not mark what it spawns and adopts no orphans (no system-call binding); null: it does both. */
    readonly no_adoption: string | null;
    /** Listening sockets that are held. */
    readonly sockets: readonly HeldSocket[];
    /** Why it cannot offer notify sockets or hold listening ones (no system-call binding); null: it can. */
    readonly no_sockets: string | null;
  };
  readonly spawn: { readonly process: ProcessIdentity };
  readonly release: { readonly bytes: number };
  readonly acknowledge: Record<string, never>;
  readonly leave: { readonly leaving: boolean };
}

/** `errno` names of a spawn that the system refused (`ENOENT`, `EACCES`, `EAGAIN`, `E2BIG`, …). */
export interface KeeperRefusal {
  readonly code: 'PROTOCOL' | 'BAD_REQUEST' | 'SPAWN_REFUSED' | 'UNKNOWN_RUN';
  readonly errno: string | null;
  readonly message: string;
}

export type JournalRecord =
  | {
      readonly seq: number;
      readonly at: string;
      readonly kind: 'spawned';
      readonly run: string;
      readonly id: string;
      readonly process: ProcessIdentity;
      readonly logs: SpawnRequest['logs'];
    }
  | {
      readonly seq: number;
      readonly at: string;
      readonly kind: 'exited';
      readonly run: string;
      readonly id: string;
      readonly process: ProcessIdentity;
      readonly exit: Exit;
    }
  /**
   * An orphan ended that the keeper had adopted as child subreaper: a process that had detached itself. `run`: by its
   * mark; null: it had none. `exit` is what wait(2) told. Of many that end at once some are reaped and not told.
   */
  | {
      readonly seq: number;
      readonly at: string;
      readonly kind: 'reaped';
      readonly run: string | null;
      readonly id: string | null;
      readonly process: ProcessIdentity;
      readonly exit: Exit;
    }
  /** Output was lost: the disk was full, or nobody read while the service ended. */
  | {
      readonly seq: number;
      readonly at: string;
      readonly kind: 'gap';
      readonly run: string;
      readonly id: string;
      readonly bytes: number | null;
      readonly why: string;
    }
  | { readonly seq: number; readonly at: string; readonly kind: 'released'; readonly run: string; readonly id: string };

export type KeeperMessage =
  | { readonly id: number; readonly ok: KeeperReplies[keyof KeeperReplies] }
  | { readonly id: number; readonly error: KeeperRefusal }
  | { readonly record: JournalRecord };
