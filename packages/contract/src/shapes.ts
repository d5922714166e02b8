import type { LostOutput } from './logs.ts';
import type { Exit, HealthName, Intent, ShownState, TrackerName } from './states.ts';

/** Shapes of `--json` (DESIGN.md, JSON). Fields are added, never renamed. Times are RFC 3339 UTC. */
export interface PortView {
  readonly name: string | null;
  /** `null` while an `auto` port has no lease yet. */
  readonly port: number | null;
  readonly protocol: 'tcp' | 'udp';
  readonly listening: boolean;
}
/** One answer to a health check. `ms`: how long it took; null: no check was made, the service said so itself. */
export interface HealthAnswerView {
  readonly at: string;
  readonly ok: boolean;
  readonly what: string;
  readonly ms: number | null;
}
export interface InstanceView {
  readonly index: number;
  readonly pid: number | null;
  readonly started_at: string | null;
  readonly state: ShownState;
  readonly reason: string | null;
  /** What the run says of itself in one line (`STATUS=`). */
  readonly status: string | null;
  readonly health: HealthName;
  /** The last answers of its health check, the newest last. */
  readonly health_history: readonly HealthAnswerView[];
  readonly ports: readonly PortView[];
  readonly restarts: number;
  readonly cpu_percent: number | null;
  readonly memory_bytes: number | null;
  readonly exit: Exit | null;
  readonly run: string | null;
}
export interface ServiceView {
  /** 12 hex digits: what its files are named after. */
  readonly id: string;
  readonly name: string;
  /** Process title that the service gave itself; null: it said none. */
  readonly title: string | null;
  readonly description: string;
  /** As it is written, or the words of its argv; null: not known of a service that reeve did not start. */
  readonly command: string | null;
  /** Absolute; null: not known. */
  readonly cwd: string | null;
  /** When reeve came to know it, and when that last changed; null: it does not know it yet. */
  readonly created_at: string | null;
  readonly updated_at: string | null;
  readonly state: ShownState;
  readonly reason: string | null;
  /** Of the instance that `state` is taken from: what it says of itself (`STATUS=`). */
  readonly status: string | null;
  readonly intent: Intent;
  readonly health: HealthName;
  readonly ready: boolean;
  readonly pid: number | null;
  readonly started_at: string | null;
  readonly exit: Exit | null;
  readonly restarts: number;
  readonly ports: readonly PortView[];
  readonly data: unknown;
  readonly groups: readonly string[];
  readonly is_system: boolean;
  readonly managed_by: 'config' | 'announced' | 'adopted' | 'registered' | 'seed';
  readonly cpu_percent: number | null;
  readonly memory_bytes: number | null;
  readonly instances: readonly InstanceView[];
}
export interface UnmanagedView {
  readonly pid: number;
  readonly started_at: string | null;
  readonly command: string;
  readonly ports: readonly number[];
  readonly service: string | null;
  readonly found_by: readonly TrackerName[];
  readonly confidence: 'high' | 'medium' | 'low';
}
export interface DaemonView {
  /** Its process is there; whether it answers, `problems` says. */
  readonly running: boolean;
  readonly pid: number | null;
  readonly version: string | null;
  /** What keeps it from its work now; empty as a rule. */
  readonly problems: readonly DaemonProblem[];
}
export interface DaemonProblem {
  readonly code:
    | 'daemon_silent'
    | 'keeper_silent'
    | 'no_keeper'
    | 'program_replaced'
    | 'registry_replaced'
    | 'session_limited';
  readonly message: string;
  /** What helps; null: nothing but waiting. */
  readonly hint: string | null;
}
export interface PsView {
  readonly project: string;
  readonly daemon: DaemonView;
  readonly services: readonly ServiceView[];
  readonly unmanaged: readonly UnmanagedView[];
  readonly scanned_at: string | null;
}

/** One process in a receipt: what it was, how it was found, what was sent to it, how it ended. */
export interface ReceiptProcess {
  readonly pid: number;
  readonly command: string;
  readonly found_by: readonly TrackerName[];
  readonly signals: readonly string[];
  /** `null`: it was gone, but how it ended is unknown (it was not our child). */
  readonly exit: Exit | null;
}
export interface ReceiptService {
  readonly name: string;
  readonly promise: 'verified' | 'best_effort';
  readonly promise_reason: string;
  readonly processes: readonly ReceiptProcess[];
  readonly ports: readonly { readonly port: number; readonly free: boolean }[];
  /** How `stop.command` went, one entry an instance; empty: there is none, or it was not executed. */
  readonly stop_commands: readonly StopCommandView[];
}
/** `outcome`: `done` exit 0; `failed` another exit, or it could not be started; `timed_out` ended at its deadline. */
export interface StopCommandView {
  readonly command: string;
  readonly outcome: 'done' | 'failed' | 'timed_out';
  /** One clause: `exited with code 3`. */
  readonly what: string;
}
export interface Survivor {
  readonly service: string;
  readonly pid: number;
  readonly command: string;
  readonly why: string;
}
/** What a stop has left alone, because a newer command wants something of it. `by`: `start, by cli:anna:4711`. */
export interface TakenOver {
  readonly service: string;
  readonly by: string;
}
/** How the clean-up of one service went; `message`: what it printed last, or how it ended. */
export interface CleanUpView {
  readonly service: string;
  readonly outcome: 'done' | 'failed' | 'timed_out';
  readonly message: string | null;
  readonly ms: number;
}
export interface Receipt {
  /** Absent: nothing was to be cleaned up. One that failed makes the stop INCOMPLETE. */
  readonly clean_ups?: readonly CleanUpView[];
  /** Absent: nothing was. The status speaks only of what was left in the hands of this command. */
  readonly taken_over?: readonly TakenOver[];
  readonly project: string;
  readonly status: 'COMPLETE' | 'INCOMPLETE';
  readonly services: readonly ReceiptService[];
  readonly survivors: readonly Survivor[];
  readonly ms: number;
}

/** What `up` would do with a service, and why: one of `up --dry-run --json`. */
export interface PlannedView {
  readonly name: string;
  readonly action: 'start' | 'restart' | 'update' | 'keep' | 'stop' | 'leave';
  readonly reason: string;
  readonly depends_on: readonly string[];
  /** What the changes take: `note` and `live` do not touch the process; null: nothing changes. */
  readonly cost: FieldChangeView['cost'] | null;
  /** Field by field, against what was last applied. Values of secrets are masked. */
  readonly changes: readonly FieldChangeView[];
}
export interface FieldChangeView {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
  readonly cost: 'note' | 'live' | 'restart';
}

/** What `kill` was asked to end. */
export type KillTarget =
  | { readonly kind: 'pid'; readonly pid: number }
  | { readonly kind: 'port'; readonly port: number }
  /** `project` null: the one of the caller's folder, else the only one that has it. */
  | { readonly kind: 'name'; readonly project: string | null; readonly name: string }
  /** A pattern that the command line of a process matches. */
  | { readonly kind: 'pattern'; readonly pattern: string };
/** What a kill is about to end. */
export interface KillPlanView {
  /** Services that the daemon stops: they stay stopped. */
  readonly stops: readonly { readonly project: string; readonly services: readonly string[] }[];
  /** Services that were started manually. */
  readonly manual: readonly { readonly project: string; readonly service: string; readonly pid: number }[];
  /** Ended directly, with what they have started. `why`: a clause whose subject is the process. */
  readonly direct: readonly { readonly pid: number; readonly command: string; readonly why: string }[];
}
/** `kill --json`: a stop's receipt, of processes that need not be a project's. */
export interface KillReceipt extends Omit<Receipt, 'project'> {
  /** null: of no project, or of several. */
  readonly project: string | null;
  /** What was asked for, as it was typed. */
  readonly target: string;
  /** What to know or to type next, as sentences. */
  readonly notes: readonly string[];
}

/** One of `hunt --json`. */
export interface HuntedView {
  readonly pid: number;
  readonly started_at: string | null;
  readonly user: string;
  readonly command: string;
  /** null: it is of no project of this home. */
  readonly project: string | null;
  readonly service: string | null;
  readonly instance: number | null;
  readonly run: string | null;
  readonly main: boolean;
  readonly ours: boolean;
  /** It is a daemon or keeper of reeve. */
  readonly reeve: boolean;
  /** Another reeve home, whose service it is. */
  readonly home: string | null;
  readonly ports: readonly number[];
  readonly memory_bytes: number;
  readonly found_by: readonly (TrackerName | 'pid' | 'name' | 'title' | 'command')[];
  /** Clauses whose subject is the process: `listens on TCP 3000 (::)`. */
  readonly why: readonly string[];
  readonly confidence: 'high' | 'medium' | 'low';
}

/** `events --json`, one a line. */
export interface EventView {
  readonly at: string;
  readonly seq: number;
  readonly project: string;
  readonly service: string | null;
  readonly instance: number | null;
  readonly run: string | null;
  /** Dotted and past tense: `service.started`, `service.exited`, … */
  readonly event: string;
  /** The sentence that a person reads. */
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** `seq` of the event that led to this one; null: it began by itself. */
  readonly cause: number | null;
}

/** `logs --json`, one a line. */
export interface LogLineView {
  readonly at: string;
  readonly seq: number;
  readonly project: string;
  readonly service: string;
  readonly instance: number;
  readonly run: string;
  readonly stream: 'out' | 'err';
  readonly line: string;
  /** Output is missing here, and `line` is empty. */
  readonly lost?: LostOutput;
}

/** `ports --json`: `{ "ports": […] }`. */
export interface PortRow {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly project: string | null;
  readonly service: string | null;
  readonly instance: number | null;
  readonly name: string | null;
  readonly leased: boolean;
  readonly listening: boolean;
  /** Who listens. pid and command are null where only the user can be read. */
  readonly owner: PortOwnerView | null;
}
export interface PortOwnerView {
  readonly pid: number | null;
  readonly command: string | null;
  readonly user: string | null;
  /** Whether the listener belongs to the service that leased the port, or, where nothing has, to a service of this home. */
  readonly ours: boolean;
  /** Of the service that the listener belongs to, whichever service has the lease; null: to none of this home. */
  readonly project: string | null;
  readonly service: string | null;
}
