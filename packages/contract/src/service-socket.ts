import type { Params } from './errors.ts';
import type { Exit, HealthName, ProcessIdentity } from './states.ts';

/**
 * How other programs talk to a library service: NDJSON over `run/<id>.sock`, one per service, bound by the process that holds
 * `run/<id>.lock`. Frames are those of the daemon's control socket. docs/decisions/0007-service-control-socket.md
 * is the whole of it, for writers of other languages.
 */
export const SERVICE_PROTOCOL = 1;
/** Of `run/<id>.json`. Fields are added under the same number, and readers pass over what they do not know. */
export const SERVICE_CARD_FORMAT = 1;

/** Bytes of one request line, newline not counted. A longer one is refused and the connection closed. */
export const SERVICE_REQUEST_BYTES = 1 << 20;
/** Bytes of one reply line. */
export const SERVICE_REPLY_BYTES = 4 << 20;
/** How deep a request may be nested. */
export const SERVICE_REQUEST_DEPTH = 32;
/** Connections that a service keeps open at once; one more is closed at once. */
export const SERVICE_CONNECTIONS = 256;
/** Bytes of `data` as JSON. */
export const SERVICE_DATA_BYTES = 256 << 10;

/** Names of the files of one service in `run/`. */
export const SERVICE_CARD_NAME = /^([0-9a-f]{12})\.json$/;

/** A port of a service, 1 to 65535. */
export interface ServicePort {
  readonly name: string | null;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

/** What can be asked for: in the owner itself (`method`, over its socket), or as a command that any program may run. */
export type AnnouncedAction =
  | { readonly kind: 'method' }
  /** A string is handed to `/bin/sh -c`, an array is argv; run in the card's `cwd`. */
  | { readonly kind: 'command'; readonly command: string | readonly string[] };

/** What a service says it manages, and how to start it and clean it up (rows B1–B6). */
export interface Announcement {
  /** One line about it, for people. */
  readonly description: string;
  /** Names or command-line patterns of what it manages, for people; nothing is killed by them. */
  readonly processes: readonly string[];
  /** What must be free after the clean-up. */
  readonly ports: readonly ServicePort[];
  /** Names of services that it needs. */
  readonly dependencies: readonly string[];
  /** What it can be found by, for example `PROCESS_MANAGER`. */
  readonly capabilities: readonly string[];
  /** null: it announces none. */
  readonly start: AnnouncedAction | null;
  /** null: it announces none. */
  readonly cleanup: AnnouncedAction | null;
  /** Milliseconds that the clean-up may take. */
  readonly cleanup_timeout: number;
}

/** `stopped`: ended in order, and said so. One that was killed leaves an older state: look at the process. */
export type CardState = 'starting' | 'running' | 'stopping' | 'stopped';

/** `run/<id>.json`, and the answer to `describe`. Times are RFC 3339 UTC. */
export interface ServiceCard {
  readonly format: typeof SERVICE_CARD_FORMAT;
  /** The service protocol it speaks. */
  readonly protocol: number;
  /** Of project folder, service and instance: 12 hex digits, the name of its files. */
  readonly id: string;
  /** What the project is called; `folder` (a real path) is what it is. */
  readonly project: string;
  readonly folder: string;
  readonly service: string;
  /** From 0; most services have one. */
  readonly instance: number;
  /** `announcement`: the program only announces under this name. */
  readonly kind: 'service' | 'announcement';
  /** What the process is called; `null`: it has no title of its own. */
  readonly title: string | null;
  readonly description: string;
  /** `node`, `python` … */
  readonly language: string;
  /** Name and version of the library that wrote it. */
  readonly library: string;
  readonly pid: number;
  /** Boot id, pid and start tick; `null` on a system that does not tell them. */
  readonly process: ProcessIdentity | null;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly user: string;
  /** `REEVE_RUN` of its environment: set when reeve started it. */
  readonly run: string | null;
  readonly state: CardState;
  /** It has said that it does its work. */
  readonly ready: boolean;
  /** Its own word; `unknown` until it says one. */
  readonly health: HealthName;
  readonly health_reason: string | null;
  /** What the service last said of itself, one line. */
  readonly status: string | null;
  /** What it has registered and announced. */
  readonly ports: readonly ServicePort[];
  readonly dependencies: readonly string[];
  readonly capabilities: readonly string[];
  /** What `register` was given, as it was given; `null` before. */
  readonly data: Readonly<Record<string, unknown>> | null;
  /** What it says it manages; `null`: nothing. */
  readonly announcement: Announcement | null;
  /** Path of its control socket; `null` when it has none. */
  readonly socket: string | null;
  readonly started_at: string;
  /** When the card was last written. */
  readonly updated_at: string;
  /** `null`: it runs, or was killed before it could say. */
  readonly ended_at: string | null;
  /** `null` also when its own end is not known to it. */
  readonly exit: Exit | null;
}

/** What an announced action came to. `failed`: it threw, or its command ended with another code than 0. */
export interface ActionOutcome {
  readonly ok: boolean;
  /** `not_announced`: there is no such action. `timed_out`: it was ended at its limit. */
  readonly reason: 'done' | 'failed' | 'timed_out' | 'not_announced';
  /** Of the error, or the last line that the command printed. */
  readonly message: string | null;
  /** How long it took. Milliseconds. */
  readonly ms: number;
}

export interface ServiceCalls {
  ping: {
    params: Record<string, never>;
    ok: { pid: number; protocol: number; id: string; project: string; service: string; instance: number };
  };
  describe: { params: Record<string, never>; ok: ServiceCard };
  status: { params: Record<string, never>; ok: ServiceStatus };
  /** Runs the announced start. `timeout` in milliseconds; null: the library's default (30 s). */
  start: { params: { timeout: number | null }; ok: ActionOutcome };
  /** Runs the announced clean-up. `timeout` in milliseconds; null: the announced one. */
  cleanup: { params: { timeout: number | null }; ok: ActionOutcome };
  /** Answered at once; the service then stops as for SIGTERM. `timeout` of all handlers together; null: their own. */
  shutdown: { params: { reason: string | null; timeout: number | null }; ok: { accepted: true; pid: number } };
  /** A second copy hands its command line over and ends. `accepted` false: no handler is registered for that. */
  second_instance: {
    params: { pid: number; argv: readonly string[]; cwd: string };
    ok: { accepted: boolean };
  };
}
export type ServiceCallName = keyof ServiceCalls;

/** What a service answers when it is asked how it is. */
export interface ServiceStatus {
  readonly pid: number;
  readonly state: CardState;
  /** It has said that it does its work. */
  readonly ready: boolean;
  /** Its own word; `unknown` until it says one. */
  readonly health: HealthName;
  readonly health_reason: string | null;
  /** What it last said of itself, one line. */
  readonly status: string | null;
  /** RFC 3339, UTC. */
  readonly started_at: string;
  /** `in_use`: a process listens there. */
  readonly ports: readonly (ServicePort & { readonly in_use: boolean })[];
}

export interface ServiceRequest {
  readonly id: number;
  readonly protocol: number;
  readonly call: ServiceCallName;
  readonly params: Readonly<Record<string, unknown>>;
}
export type ServiceReply = { readonly id: number } & (
  | { readonly ok: unknown }
  | { readonly error: { readonly code: string; readonly params: Params } }
);
