import type { ErrorCode, Params } from './errors.ts';
import type { Stall } from './keeper.ts';
import type { LogStream } from './logs.ts';
import type { ServiceCard } from './service-socket.ts';
import type {
  DaemonProblem,
  EventView,
  FieldChangeView,
  HuntedView,
  KillPlanView,
  KillReceipt,
  KillTarget,
  LogLineView,
  PlannedView,
  PortRow,
  PsView,
  Receipt,
  ServiceView,
  UnmanagedView,
} from './shapes.ts';
import type { ProjectSpec } from './spec.ts';

/**
 * How the CLI talks to the daemon: NDJSON over `run/control.sock`. One request a connection or many; each has an `id`.
 * A reply is `{ id, ok }` or `{ id, error }`; before it, a call may push any number of `{ id, push }`.
 * Closing the connection abandons its calls; it never undoes what was accepted.
 */
export const CONTROL_PROTOCOL = 1;

export type GuardPolicy = 'warn' | 'redirect' | 'refuse';

/** Which project: by folder (the CLI found a config), or by name (`--project`). */
export interface ProjectRef {
  readonly folder?: string;
  readonly name?: string;
}
/** Who asks for an operation, for the audit and `why`. */
export interface Requester {
  /** `token`: a client of the HTTP API; `supervisor`: reeve itself. */
  readonly kind: 'cli' | 'library' | 'token' | 'supervisor';
  readonly user: string;
  readonly pid: number;
}
/** Names of services, or `name:index` for an instance; empty: all of the project. */
export type Selection = readonly string[];

export interface Calls {
  ping: {
    params: Record<string, never>;
    ok: { pid: number; version: string; protocol: number; started_at: string; home: string; keeper_pid: number | null };
  };
  /** What `daemon status` shows beside that. */
  about: { params: Record<string, never>; ok: DaemonAbout };
  /**
   * The program `program` (argv) takes over from this daemon, services untouched. Answers when the successor serves;
   * this daemon is then ending. Throws UPGRADE_FAILED when it could not, and this daemon keeps running.
   */
  upgrade: {
    params: { program: readonly string[]; actor: Requester };
    ok: { pid: number /** How long no daemon answered on the socket. Milliseconds. */; away: number };
  };
  /** Takes a config over: stores specs and environment, bumps what changed, sets the named services' intent to up. */
  apply: {
    params: {
      project: ProjectSpec;
      /** The caller's environment, already without what must not be inherited. */
      environment: Readonly<Record<string, string>>;
      services: Selection;
      prune: boolean;
      /** What the library does when one of the services is started manually; null: nothing (no config says so). */
      guard: GuardPolicy | null;
      actor: Requester;
    };
    ok: Applied;
  };
  /** What `apply` would do with these parameters; nothing is changed. In start order. Throws SERVICE_UNKNOWN. */
  plan: {
    params: {
      project: ProjectSpec;
      environment: Readonly<Record<string, string>>;
      services: Selection;
      prune: boolean;
      actor: Requester;
    };
    ok: { project: string; services: readonly PlannedView[] };
  };
  /** Start services that reeve already knows. */
  start: {
    params: {
      project: ProjectRef;
      services: Selection;
      environment: Readonly<Record<string, string>> | null;
      actor: Requester;
    };
    ok: Accepted;
  };
  restart: {
    params: { project: ProjectRef; services: Selection; timeout: number | null; force: boolean; actor: Requester };
    ok: Accepted;
  };
  /** Ends when everything named is gone or the limit is over, also what was started manually. Pushes {@link Progress}. */
  stop: {
    params: { project: ProjectRef; services: Selection; timeout: number | null; force: boolean; actor: Requester };
    ok: { receipt: Receipt };
  };
  /** What services that reeve runs have announced over NOTIFY_SOCKET (`X_REEVE_*`), as cards. */
  announced: { params: Record<string, never>; ok: { cards: readonly ServiceCard[] } };
  /** `stop`, then every clean-up of the config, also of services that did not run. */
  cleanup: {
    params: { project: ProjectRef; timeout: number | null; force: boolean; actor: Requester };
    ok: { receipt: Receipt };
  };
  /** `stop` of every project of the home, and of everything that was started manually. One receipt for each project. */
  stopAll: {
    params: { timeout: number | null; force: boolean; actor: Requester };
    ok: { receipts: readonly Receipt[] };
  };
  /** `stop`, then forget. */
  down: {
    params: { project: ProjectRef; purge: boolean; timeout: number | null; actor: Requester };
    ok: { receipt: Receipt };
  };
  /** Ends when every named service is settled for `until`, or at the timeout. Pushes {@link Progress}. */
  wait: {
    params: {
      project: ProjectRef;
      services: Selection;
      until: 'ready' | 'stopped' | 'completed';
      timeout: number | null;
    };
    ok: Waited;
  };
  ps: { params: { project: ProjectRef | null }; ok: { projects: readonly PsView[] } };
  why: { params: { project: ProjectRef; service: string }; ok: WhyView };
  ports: { params: { port: number | null }; ok: { ports: readonly PortRow[] } };
  signal: { params: { project: ProjectRef; service: string; signal: string; actor: Requester }; ok: { pid: number } };
  /** The processes that a word means: a service or project, a pid, a port, a title, a part of a command line. Throws NOTHING_FOUND. */
  hunt: { params: { query: string; actor: Requester }; ok: { processes: readonly HuntedView[] } };
  /** Ends what the target means, whatever started it. Pushes {@link KillPush}. Throws NOTHING_FOUND, NOT_PERMITTED. */
  kill: { params: KillParams; ok: KillReceipt };
  /**
   * Lines of logs, by time, values of secrets masked. Pushes {@link LogLineView}; with `follow` until the call is
   * cancelled, as fast as the client reads. Throws SERVICE_UNKNOWN.
   */
  logs: { params: LogParams; ok: { lines: number } };
  /** What a command run inside a service's surroundings needs. */
  surroundings: {
    params: { project: ProjectRef; service: string };
    ok: { cwd: string; env: Readonly<Record<string, string>>; user: { name: string; uid: number; gid: number } | null };
  };
  /** Ends the daemon; services stay unless `with_services`. */
  shutdown: { params: { with_services: boolean; actor: Requester }; ok: { receipts: readonly Receipt[] } };
  /** Pushes every event as it happens, until the connection closes. */
  events: { params: { project: ProjectRef | null }; ok: Record<string, never> };
}
export type CallName = keyof Calls;

export interface LogParams {
  readonly project: ProjectRef;
  readonly services: Selection;
  /** How many, the newest; null: all. */
  readonly newest: number | null;
  /** Milliseconds since 1970, both inclusive; null: no limit. */
  readonly since: number | null;
  readonly until: number | null;
  readonly stream: LogStream | null;
  /** Of one run; null: of all. */
  readonly run: string | null;
  /** A pattern that the lines match; null: all. */
  readonly grep: string | null;
  readonly follow: boolean;
  readonly actor: Requester;
}

export interface KillParams {
  readonly target: KillTarget;
  /** As it was typed. */
  readonly typed: string;
  /** Folder, or name, of the project whose services a bare name means first; null: none. */
  readonly here: string | null;
  /** Also processes that are of no project of this home. */
  readonly force: boolean;
  /** Milliseconds until SIGKILL; null: ten seconds, or what the services declare. */
  readonly timeout: number | null;
  readonly actor: Requester;
}
/** First what is about to be ended, then how the stops get on. */
export type KillPush = { readonly plan: KillPlanView } | Progress;

export interface DaemonAbout {
  /** argv of the running program, and the fingerprint (8 hex) that it had when it started. */
  readonly program: readonly string[];
  readonly build: string;
  /** Who started it and will start it again. */
  readonly managed_by: 'systemd' | null;
  /** Newest first: the first one starts what is started now, the others hold what they have started until it ends. */
  readonly keepers: readonly KeeperAbout[];
  /** What keeps it from its work now. */
  readonly problems: readonly DaemonProblem[];
  /** The newest times in which it, its predecessor or the keeper answered nothing for over 200 ms, oldest first. */
  readonly stalls: readonly Stall[];
}
export interface KeeperAbout {
  readonly pid: number;
  /** Version and fingerprint of its program: `0.1.0+1a2b3c4d`. */
  readonly version: string;
  readonly protocol: number;
  /** Runs that it holds. */
  readonly runs: number;
}

export interface Accepted {
  readonly project: string;
  /** The services that the call now waits for, dependencies included, in start order. */
  readonly services: readonly string[];
  readonly already: readonly string[];
  /** Copies that were started manually, and were ended first. Absent: of an older daemon. */
  readonly replaced?: readonly ReplacedCopy[];
}
export interface ReplacedCopy {
  readonly service: string;
  readonly pid: number;
  /** false: it had ended, and had left processes behind. */
  readonly was_running: boolean;
}
export interface Applied extends Accepted {
  /** Set once, when another folder bears the wanted name. */
  readonly renamed_from: string | null;
  readonly changed: readonly string[];
  /** What has changed, by service, field by field; values of secrets are masked. Absent: of an older daemon. */
  readonly changes?: Readonly<Record<string, readonly AppliedChange[]>>;
  /** Known to reeve, no longer in the config; stopped only with `prune`. */
  readonly removed: readonly string[];
  /** Problems of the daemon that a client which starts something should know. Absent: an older daemon. */
  readonly problems?: readonly DaemonProblem[];
}
export type AppliedChange = FieldChangeView;
export interface Progress {
  readonly service: string;
  readonly state: ServiceView['state'];
  readonly ready: boolean;
  readonly reason: string | null;
  readonly event: EventView | null;
}
export interface Waited {
  /** `met`: all; `failed`: at least one can no longer get there; `timeout`. */
  readonly outcome: 'met' | 'failed' | 'timeout';
  readonly services: readonly WaitedService[];
}
export interface WaitedService {
  readonly name: string;
  readonly outcome: 'met' | 'failed' | 'blocked' | 'conflict' | 'pending';
  readonly state: ServiceView['state'];
  readonly reason: string | null;
  /** Since the start was accepted. */
  readonly ms: number;
}
export interface WhyView {
  readonly service: ServiceView;
  /** One sentence. */
  readonly summary: string;
  /** Conditions that are not met, each as a sentence; empty when nothing is waited for. */
  readonly waits_for: readonly string[];
  /** Where the chain of waiting ends, and what those services are doing; empty when nothing is waited for. */
  readonly roots: readonly RootView[];
  readonly blocks: readonly string[];
  /** How it came to this: from event to event by their causes, the beginning first, whichever service it was of. */
  readonly because: readonly EventView[];
  /** What the service said when it last ended badly, as it was captured then; null: it did not. */
  readonly crash: CrashView | null;
  /** Newest last. */
  readonly events: readonly EventView[];
  /** The last lines that the last run wrote. */
  readonly last_lines: readonly string[];
  readonly next_try_at: string | null;
  readonly survivors: readonly UnmanagedView[];
  /** Commands to type next. */
  readonly try: readonly string[];
}

export interface RootView {
  readonly name: string;
  readonly state: ServiceView['state'];
  readonly intent: ServiceView['intent'];
  readonly reason: string | null;
}
export interface CrashView {
  readonly at: string;
  readonly run: string | null;
  /** One word of the exit-cause table: `code`, `signal`, `timeout`, … */
  readonly cause: string;
  readonly lines: readonly string[];
}

export interface ControlRequest<N extends CallName = CallName> {
  readonly id: number;
  readonly protocol: number;
  readonly call: N;
  readonly params: Calls[N]['params'];
}
/** The client no longer waits for the answer to this call: its signal is aborted, what was accepted continues. */
export interface ControlCancel {
  readonly id: number;
  readonly cancel: true;
}
export type ControlMessage =
  | { readonly id: number; readonly ok: Calls[CallName]['ok'] }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly params: Params } }
  | { readonly id: number; readonly push: Progress | EventView | KillPush | LogLineView };
