/**
 * A service as declared, complete after parsing: every default is filled in, nothing downstream writes `?? default`.
 * Strings may still hold `${…}`: they are replaced at each start, from the environment of that start.
 * All durations are milliseconds, all sizes bytes.
 */
export interface ServiceSpec {
  readonly name: string;
  readonly description: string;
  readonly command: CommandSpec;
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Absolute paths, in order. */
  readonly env_files: readonly string[];
  readonly ports: readonly PortSpec[];
  readonly ready: ReadySpec | null;
  /** How long a start may take until ready. */
  readonly ready_timeout: number;
  readonly health: HealthSpec | null;
  readonly on_unhealthy: 'restart' | 'alert' | 'nothing';
  readonly depends_on: readonly DependencySpec[];
  readonly restart: RestartSpec;
  readonly stop: StopSpec;
  readonly oneshot: boolean;
  readonly instances: number;
  readonly autostart: boolean;
  readonly user: string | null;
  readonly group: string | null;
  readonly umask: number | null;
  readonly nice: number | null;
  /** rlimit name (`nofile`, `nproc`, `core`, …) → soft and hard limit. */
  readonly limits: Readonly<Record<string, number>>;
  readonly logs: LogSpec | null;
  readonly groups: readonly string[];
  readonly capabilities: readonly string[];
  readonly is_system: boolean;
  /** Variables whose values are fetched at each start, and masked wherever reeve shows them. */
  readonly secrets: Readonly<Record<string, SecretSource>>;
  /** Removes what it leaves: executed after its stop, and by `cleanup`; null: there is none. */
  readonly cleanup: { readonly command: CommandSpec; readonly timeout: number } | null;
}

/** A file's content, or what a command prints, without the last newline. The path may hold `${…}`. */
export type SecretSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly command: CommandSpec };

export interface CommandSpec {
  /** What the user wrote, for people: a string, or the array joined with quotes where needed. */
  readonly text: string;
  /** `argv`: executed directly. `shell`: one string handed to `shell -c`. */
  readonly how:
    | { readonly kind: 'argv'; readonly argv: readonly string[] }
    | { readonly kind: 'shell'; readonly shell: string; readonly script: string; readonly why: string };
}

export interface PortSpec {
  readonly name: string | null;
  /** A fixed port, or `auto`: leased by reeve. */
  readonly port: number | 'auto';
  readonly protocol: 'tcp' | 'udp';
  readonly shared: boolean;
}

/** A URL, or a `/path` asked where the service listens on its first TCP port. */
export interface HttpCheck {
  readonly kind: 'http';
  readonly url: string;
  /** Inclusive ranges of accepted status codes. */
  readonly status: readonly (readonly [number, number])[];
  readonly body: string | null;
}
export interface TcpCheck {
  readonly kind: 'tcp';
  /** `PORT` or `host:port`, perhaps with `${…}`. */
  readonly address: string;
}
export interface CommandCheck {
  readonly kind: 'command';
  readonly command: CommandSpec;
}
export interface LogCheck {
  readonly kind: 'log';
  readonly pattern: string;
}
export type ReadySpec =
  | HttpCheck
  | TcpCheck
  | CommandCheck
  | LogCheck
  | { readonly kind: 'delay'; readonly delay: number }
  | { readonly kind: 'notify' }
  | { readonly kind: 'ipc' }
  | { readonly kind: 'fd'; readonly fd: number };

export interface HealthSpec {
  readonly check:
    | HttpCheck
    | TcpCheck
    | CommandCheck
    | LogCheck
    | { readonly kind: 'watchdog'; readonly timeout: number };
  readonly interval: number;
  readonly timeout: number;
  readonly retries: number;
  readonly successes: number;
  readonly start_period: number;
}

export type Condition = 'started' | 'ready' | 'healthy' | 'completed';
export interface DependencySpec {
  readonly service: string;
  readonly condition: Condition;
  readonly required: boolean;
  readonly on_down: 'ignore' | 'restart' | 'stop' | 'pause';
}

export interface RestartSpec {
  readonly policy: 'always' | 'on-failure' | 'never' | 'unless-stopped';
  /** First and longest delay, before jitter. Both 0: at once. */
  readonly backoff: { readonly min: number; readonly max: number };
  /** `null`: no limit. */
  readonly limit: { readonly count: number; readonly period: number } | null;
}

export interface StopSpec {
  readonly signal: string;
  readonly timeout: number;
  /** Whether the timeout was written in the config (only declared ones lengthen a command's own limit). */
  readonly timeout_declared: boolean;
  readonly mode: 'main_first' | 'all' | 'main';
  /** Executed instead of the first signal, which follows when it fails or at half the grace; null: none. */
  readonly command: CommandSpec | null;
}

export interface LogSpec {
  readonly max_size: number;
  readonly max_files: number;
  /** `null`: no limit by age. */
  readonly max_age: number | null;
  readonly compress: boolean;
}

/** A project as declared: the real path of its folder is what it is; its name is only what it is called. */
export interface ProjectSpec {
  /** Real path of the folder that holds the config. */
  readonly folder: string;
  readonly name: string;
  /** Absolute path of the config file; `null` for a service started by `run` without one. */
  readonly config: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly env_files: readonly string[];
  readonly services: readonly ServiceSpec[];
}
