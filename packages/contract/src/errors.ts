/**
 * Every error that a user can meet: code → CLI exit code, HTTP status, whether trying again may help, the sentence and
 * what to do next. A test holds docs/reference/errors.md against this table.
 */
interface Entry {
  readonly http: number;
  readonly exit: number;
  readonly retryable: boolean;
  readonly say: (p: Params) => string;
  readonly hint: string | ((p: Params) => string | null) | null;
}
export type Params = Readonly<Record<string, string | number | undefined>>;

const usage = { http: 400, exit: 2, retryable: false };
export const ERRORS = {
  USAGE: {
    ...usage,
    say: (p) => `${p.message}`,
    hint: (p) => (p.hint ? `${p.hint}` : 'reeve help shows the commands'),
  },
  CONFIG_INVALID: {
    ...usage,
    say: (p) => `${p.message}`,
    hint: (p) => (p.hint ? `${p.hint}` : 'fix the config, then run: reeve validate'),
  },
  CONFIG_NOT_FOUND: {
    ...usage,
    http: 404,
    say: (p) => `no reeve.yaml found in ${p.folder} or above it${p.seen ? `; there is ${p.seen}` : ''}`,
    hint: (p) =>
      p.hint ? `${p.hint}` : 'write a reeve.yaml here, or name one with --config FILE; `reeve run <cmd>` needs none',
  },
  NO_PROJECT_HERE: {
    http: 404,
    exit: 4,
    retryable: false,
    say: (p) =>
      `no project here: no reeve.yaml in ${p.folder} or above it${p.seen ? ` (there is ${p.seen})` : ''}, and reeve has run nothing there`,
    hint: 'go to its folder (-C DIR), or name it: --project NAME; reeve ps --all lists what is known',
  },
  CONFIG_AMBIGUOUS: {
    ...usage,
    say: (p) => `two configs found side by side: ${p.first} and ${p.second}`,
    hint: 'keep one of them, or name one with --config FILE',
  },
  CONFIG_UNTRUSTED: { ...usage, say: (p) => `${p.file} is refused: ${p.why}`, hint: (p) => `${p.hint}` },
  SERVICE_UNKNOWN: {
    http: 404,
    exit: 4,
    retryable: false,
    say: (p) => `no service "${p.name}" in ${p.project}`,
    hint: (p) => (p.near ? `did you mean ${p.near}?` : 'reeve ps lists the services'),
  },
  PROJECT_UNKNOWN: {
    http: 404,
    exit: 4,
    retryable: false,
    say: (p) => `unknown project ${p.name}`,
    hint: 'start it once with: reeve up',
  },
  NOTHING_FOUND: {
    http: 404,
    exit: 4,
    retryable: false,
    say: (p) => `${p.message}`,
    hint: (p) => (p.hint ? `${p.hint}` : null),
  },
  NOT_RUNNING: {
    http: 409,
    exit: 3,
    retryable: true,
    say: (p) => `${p.name} is not running`,
    hint: (p) => `start it: reeve start ${p.name}`,
  },
  PORT_TAKEN: {
    http: 409,
    exit: 5,
    retryable: true,
    say: (p) => `port ${p.port} is held by ${p.holder}`,
    hint: (p) =>
      `${p.free ? `free it: ${p.free};` : 'stop the holder,'} or change the port in the config, or let reeve choose with \`auto\``,
  },
  UNFINISHED_STOP: {
    http: 409,
    exit: 5,
    retryable: true,
    say: (p) => `${p.name}: its last stop did not finish; still running: ${p.survivors}`,
    hint: 'stop them, then start again; `reeve why` lists them',
  },
  NAME_TAKEN: {
    http: 409,
    exit: 5,
    retryable: false,
    say: (p) => `${p.project} already has a service named ${p.name}`,
    hint: 'choose another with --name',
  },
  ALREADY_RUNNING: {
    http: 409,
    exit: 5,
    retryable: false,
    say: (p) => `${p.name} is already running in ${p.project}${p.pid ? ` (pid ${p.pid})` : ''}`,
    hint: (p) => {
      if (p.handed_over === 'yes') return 'it was given this command line; this copy exits';
      return p.hint ? `${p.hint}` : `stop it first${p.pid ? `: kill ${p.pid}` : ''}`;
    },
  },
  TAKE_OVER_FAILED: {
    http: 409,
    exit: 5,
    retryable: true,
    say: (p) => `${p.name} was started manually (pid ${p.pid}) and could not be stopped: ${p.why}`,
    hint: (p) => `stop it, then run: reeve up ${p.name}`,
  },
  GUARD_REFUSED: {
    http: 403,
    exit: 7,
    retryable: false,
    say: (p) => `${p.name} is managed by reeve (project ${p.project}, guard: refuse) and cannot be started manually`,
    hint: (p) => `start it: reeve up ${p.name}; or set \`guard: warn\` in the config`,
  },
  SERVICE_UNREACHABLE: {
    http: 503,
    exit: 1,
    retryable: true,
    say: (p) => `cannot talk to ${p.name}: ${p.why}`,
    hint: 'check whether it is running: reeve ps',
  },
  DAEMON_RUNNING: {
    http: 409,
    exit: 5,
    retryable: false,
    say: (p) => `a reeve daemon is already running for ${p.home} (pid ${p.pid})`,
    hint: 'reeve daemon status',
  },
  STOP_INCOMPLETE: {
    http: 409,
    exit: 6,
    retryable: true,
    say: (p) => `some processes did not exit: ${p.survivors}`,
    hint: 'reeve why <service> lists what is left and why',
  },
  NOT_PERMITTED: {
    http: 403,
    exit: 7,
    retryable: false,
    say: (p) => `${p.message}`,
    hint: (p) => (p.hint ? `${p.hint}` : null),
  },
  TIMED_OUT: {
    http: 504,
    exit: 8,
    retryable: true,
    say: (p) => `${p.message}`,
    hint: (p) => (p.hint ? `${p.hint}` : 'allow more time with --timeout'),
  },
  DAEMON_UNREACHABLE: {
    http: 503,
    exit: 9,
    retryable: true,
    say: (p) => `cannot reach the reeve daemon of ${p.home}${p.why ? `: ${p.why}` : ''}`,
    hint: (p) => (p.hint ? `${p.hint}` : 'start it: reeve daemon start; its log: reeve daemon logs'),
  },
  DAEMON_DEPOSED: {
    http: 503,
    exit: 9,
    retryable: true,
    say: (p) => `the daemon of ${p.home} is shutting down: ${p.why}`,
    hint: 'services keep running; the next command starts another daemon, which takes them over',
  },
  PROTOCOL_MISMATCH: {
    http: 409,
    exit: 9,
    retryable: false,
    say: (p) => `this reeve is ${p.client} and the daemon is ${p.daemon}: incompatible protocols`,
    hint: 'reeve daemon stop (services keep running), then run the command again',
  },
  UPGRADE_FAILED: {
    http: 500,
    exit: 1,
    retryable: true,
    say: (p) => `the new daemon did not take over: ${p.why}`,
    hint: (p) =>
      `${p.hint ?? 'the old daemon and all services keep running; fix the cause, then run: reeve daemon upgrade'}`,
  },
  NO_SYSTEMD: {
    http: 400,
    exit: 1,
    retryable: false,
    say: (p) => `systemd is not running here (process 1 is ${p.init})`,
    hint: 'reeve install --print shows the unit; --no-start only writes it; without systemd the daemon starts on demand',
  },
  SYSTEMD_REFUSED: {
    http: 500,
    exit: 1,
    retryable: true,
    say: (p) => `systemd refused: ${p.command}: ${p.why}`,
    hint: (p) => `look at it with: ${p.look}`,
  },
  START_FAILED: {
    http: 400,
    exit: 1,
    retryable: true,
    say: (p) => `${p.message}`,
    hint: (p) => (p.name ? `reeve why ${p.name}` : null),
  },
  SPAWN_FAILED: {
    http: 400,
    exit: 1,
    retryable: false,
    say: (p) => `cannot start ${p.command}: ${p.why}`,
    hint: (p) => (p.hint ? `${p.hint}` : 'check `command` and `cwd` in the config'),
  },
  KEEPER_LOST: {
    http: 503,
    exit: 1,
    retryable: true,
    say: (p) => `the keeper of ${p.home} is gone`,
    hint: 'services keep running, and the daemon is starting a new keeper: try again',
  },
  REGISTRY_DAMAGED: {
    http: 500,
    exit: 1,
    retryable: false,
    say: (p) => `the registry ${p.file} is damaged: ${p.why}`,
    hint: (p) => `${p.hint}`,
  },
  REGISTRY_NEWER: {
    http: 500,
    exit: 1,
    retryable: false,
    say: (p) => `the registry has schema ${p.found}, this reeve supports ${p.known}`,
    hint: (p) =>
      `use the newer reeve that wrote it, or another --home${p.backup ? `; a copy from before is ${p.backup}` : ''}`,
  },
  REGISTRY_OLDER: {
    http: 500,
    exit: 1,
    retryable: false,
    say: (p) => `the registry has schema ${p.found}, this reeve reads ${p.known}`,
    hint: 'reeve daemon start brings it up to date (services are not touched)',
  },
  REGISTRY_BUSY: {
    http: 503,
    exit: 1,
    retryable: true,
    say: (p) => `another program has locked the registry ${p.file}`,
    hint: 'try again; if it persists, find out which process has it open: fuser FILE',
  },
  REGISTRY_UNUSABLE: {
    http: 500,
    exit: 1,
    retryable: true,
    say: (p) => `cannot ${p.doing} the registry ${p.file}: ${p.why}`,
    hint: (p) => (p.hint ? `${p.hint}` : 'check who owns the file and its folder, their modes, and the disk'),
  },
  REGISTRY_DRIVER: {
    http: 500,
    exit: 1,
    retryable: false,
    say: (p) => `cannot load an SQLite driver (${p.why})`,
    hint: 'install reeve again with its optional dependencies, or run it on Node 24 or newer',
  },
  HOME_UNSAFE: {
    http: 500,
    exit: 7,
    retryable: false,
    say: (p) => `${p.path} is not safe to use: ${p.why}`,
    hint: (p) => `${p.hint}`,
  },
  DISK_FULL: {
    http: 507,
    exit: 1,
    retryable: true,
    say: (p) => `${p.path}: no space left`,
    hint: 'free some disk space; running services are not affected',
  },
  NOT_WRITTEN_DOWN: {
    http: 507,
    exit: 1,
    retryable: true,
    say: (p) => `${p.names} stopped, but the stop could not be saved: ${p.why}`,
    hint: 'the next daemon would start it again; once the registry is writable, run the command again',
  },
  INTERNAL: {
    http: 500,
    exit: 1,
    retryable: false,
    say: (p) => `reeve failed: ${p.message}`,
    hint: 'this is a bug; reeve daemon logs has the details',
  },
} as const satisfies Record<string, Entry>;
/** A code of the catalogue: docs/reference/errors.md. */
export type ErrorCode = keyof typeof ERRORS;

/** An error with a code of the catalogue: what happened, and what to do next. */
export class ReeveError extends Error {
  override readonly name = 'ReeveError';
  /** What to look at in a program. */
  readonly code: ErrorCode;
  /** What fills the sentence in, and what a program may look at. */
  readonly params: Params;
  /** What to do next; null: nothing is known to help. */
  readonly hint: string | null;
  /** `options.cause`: the error behind it. */
  constructor(code: ErrorCode, params: Params = {}, options?: ErrorOptions) {
    const entry: Entry = ERRORS[code];
    super(entry.say(params), options);
    this.code = code;
    this.params = params;
    this.hint = typeof entry.hint === 'function' ? entry.hint(params) : entry.hint;
  }
  /** The exit code of a command that ends with this error. */
  get exit(): number {
    return ERRORS[this.code].exit;
  }
}
