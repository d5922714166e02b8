import type { ServiceView } from './shapes.ts';
import type { LogSpec, PortSpec, ProjectSpec, ServiceSpec } from './spec.ts';
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
  /**
   * Complete: nothing is inherited, and added is only what names descriptors that the keeper numbers
   * (`LISTEN_FDS`, `LISTEN_PID`, `LISTEN_FDNAMES`; `NODE_CHANNEL_FD`, `NODE_CHANNEL_SERIALIZATION_MODE`).
   */
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
  /** How the service can speak to us, and what it is handed; left out: by its output and its exit alone. */
  readonly channels?: Channels;
  readonly origin?: RunOrigin;
}

/**
 * What a daemon whose registry knows nothing of a run needs to take it over under its name. The keeper keeps it with the
 * run, gives it back when it is asked for (`describe`), and does not look into it.
 */
export interface RunOrigin {
  readonly project: Omit<ProjectSpec, 'services'>;
  readonly spec: ServiceSpec;
  /** Of the `up` or `start` that last applied the service. */
  readonly environment: Readonly<Record<string, string>>;
  readonly managed_by: ServiceView['managed_by'];
  readonly index: number;
  /** Of the intent that it was started for. */
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly started_at: number;
  readonly ports: readonly {
    readonly name: string | null;
    readonly port: number;
    readonly protocol: PortSpec['protocol'];
  }[];
  /** The cgroup of the run, as its processes show it; null: it has none. */
  readonly cgroup: string | null;
  readonly mark: number | null;
}

/** A run that the daemon knows and no keeper holds: the journal that named it has been lost. */
export type AdoptedRun = Pick<SpawnRequest, 'run' | 'id' | 'logs' | 'channels' | 'origin'> & {
  readonly process: ProcessIdentity;
};

/** The channels of one run. All of them are there before its process is, and go with the run. */
export interface Channels {
  /** Absolute path of the datagram socket to bind (sd_notify), at most 100 bytes, this run's alone; null: none. */
  readonly notify: string | null;
  /** Number (3–255) of the descriptor on which it writes a newline when it is ready (as s6 has it); null: none. */
  readonly ready_fd: number | null;
  /** Node's channel, as `stdio: 'ipc'` makes it: `process.send` works. It ends with the keeper that made it. */
  readonly ipc: boolean;
  /** Sockets that the keeper holds (`hold`), handed over as descriptors 3, 4, … under these names. */
  readonly listen: readonly { readonly key: string; readonly name: string }[];
}
export const NO_CHANNELS: Channels = { notify: null, ready_fd: null, ipc: false, listen: [] };

/** A listening TCP socket that the keeper holds and never accepts from: over restarts connections queue in it. */
export interface HeldSocket {
  /** The daemon's own name for it. */
  readonly key: string;
  readonly host: string;
  readonly port: number;
}

/** Longest text of one datagram or message that is written down (bytes); a longer one is counted as lost. */
export const CHANNEL_TEXT_BYTES = 16 * 1024;

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
      /** Of the daemon, if it answers `watch`. */
      readonly pid?: number;
    }
  | { readonly do: 'spawn'; readonly spawn: SpawnRequest }
  /** Hold a run that another keeper started, as if it stood in our journal. Held already: nothing happens. */
  | { readonly do: 'adopt'; readonly adopt: AdoptedRun }
  | { readonly do: 'describe'; readonly run: string }
  /** Copies what is in the FIFOs of a run now, closes and removes them, and forgets the run once it has ended. */
  | { readonly do: 'release'; readonly run: string }
  /** Listen on an address (port 0: any) and hold the socket. The same key again: what is held already. */
  | {
      readonly do: 'hold';
      readonly socket: HeldSocket & {
        /** Connections that may wait; null: the system's most. */ readonly backlog: number | null;
      };
    }
  /** Close a held socket. Runs that were handed it have it still. */
  | { readonly do: 'drop'; readonly key: string }
  /** The daemon has persisted everything up to here: the journal may drop it. */
  | { readonly do: 'acknowledge'; readonly seq: number }
  /**
   * Are you there? An older keeper refuses it, which is an answer too. `busy`: the daemon begins this now, and wants to be
   * watched while it is at it.
   */
  | { readonly do: 'ping'; readonly busy?: string }
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
  readonly adopt: Record<string, never>;
  /** null: it was not reported. */
  readonly describe: { readonly origin: RunOrigin | null };
  readonly hold: { readonly socket: HeldSocket };
  readonly drop: { readonly dropped: boolean };
  readonly release: { readonly bytes: number };
  readonly acknowledge: Record<string, never>;
  readonly ping: Record<string, never>;
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
      readonly channels?: Channels;
      /** In the journal alone: left out of what is pushed. */
      readonly origin?: RunOrigin;
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
  /** Lines of sd_notify: one datagram, or several that came too fast, merged by key (the last of each, in order). */
  | {
      readonly seq: number;
      readonly at: string;
      readonly kind: 'notified';
      readonly run: string;
      readonly id: string;
      readonly text: string;
      /** Datagrams that were lost since the last record: too long, or not text. */
      readonly lost: number;
    }
  /** Its readiness descriptor: a newline (`ready`), or closed without one. Told once. */
  | {
      readonly seq: number;
      readonly at: string;
      readonly kind: 'ready_fd';
      readonly run: string;
      readonly id: string;
      readonly ready: boolean;
    }
  /** A message on its Node channel (a JSON value), or the end of the channel (`message` absent). */
  | {
      readonly seq: number;
      readonly at: string;
      readonly kind: 'ipc';
      readonly run: string;
      readonly id: string;
      readonly message?: unknown;
      /** Messages that were lost since the last record: too long, too many, or no JSON. */
      readonly lost: number;
    }
  | { readonly seq: number; readonly at: string; readonly kind: 'released'; readonly run: string; readonly id: string };

export type KeeperMessage =
  | { readonly id: number; readonly ok: KeeperReplies[keyof KeeperReplies] }
  | { readonly id: number; readonly error: KeeperRefusal }
  | { readonly record: JournalRecord }
  /** Are you there? Any request is an answer. Only for a daemon that gave its pid in `hello`; an older one ignores it. */
  | { readonly watch: true }
  /** To the same daemons: a program of this home has stalled. */
  | { readonly stalled: Stall };

/** A program whose event loop answered nothing for over 200 ms, as the other program saw it. */
export interface Stall {
  readonly program: 'daemon' | 'keeper';
  readonly pid: number;
  /** ISO, when it was asked. */
  readonly at: string;
  readonly ms: number;
  /** What the kernel said of the process: `stopped by a signal`, `busy`, `waiting for a disk`, `blocked`, … */
  readonly doing: string;
  /** What it had begun shortly before, such as the call `up`; null: not known. */
  readonly during: string | null;
  /** `gone`: it never answered. `continued`: it says so itself after a SIGCONT, and `ms` is the longest it can have been. */
  readonly end: 'answered' | 'gone' | 'continued';
}
