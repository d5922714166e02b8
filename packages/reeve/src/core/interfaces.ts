import type {
  AdoptedRun,
  Exit,
  HealthSpec,
  HeldSocket,
  HttpCheck,
  JournalRecord,
  KeptRun,
  LogCheck,
  ProcessIdentity,
  ProcessOwner,
  ReadySpec,
  ReceiptProcess,
  RunOrigin,
  RunSigns,
  SpawnRequest,
  Survivor,
  TcpCheck,
  TrackerName,
  Witness,
} from '@reeve/contract';
import type { Announced } from './announced/announced.ts';
import type { Executed } from './spec/executed.ts';

/**
 * What the supervisor needs from the world. Each interface has one implementation per kind of world and one contract
 * suite; the daemon, as composition root, is the only place that constructs them.
 */

/** The daemon's end of the keeper. */
export interface Keeper {
  readonly pid: number;
  /** Of its program, as the one that started it named it. */
  readonly version: string;
  readonly runs: readonly KeptRun[];
  /** Why it neither adopts orphans nor marks what it spawns; null: it does both. */
  readonly noAdoption: string | null;
  /** Why it has no notify sockets and holds no listening ones; null: it can. */
  readonly noSockets: string | null;
  /** Throws a `ReeveError` SPAWN_FAILED when the system refuses; `cause` carries the errno. */
  spawn(request: SpawnRequest): Promise<ProcessIdentity>;
  /** Hands a run over that it does not hold. false: it is of a version that cannot take it. */
  adopt(run: AdoptedRun): Promise<boolean>;
  /** What was recorded of a run at its start; null: nothing, or the keeper is of a version that does not keep it. */
  describe(run: string): Promise<RunOrigin | null>;
  release(run: string): Promise<void>;
  /** Listens on the address and holds the socket, or says what is held under this key. Throws SPAWN_FAILED. */
  hold(socket: HeldSocket & { readonly backlog: number | null }): Promise<HeldSocket>;
  /** false: it was not held. */
  drop(key: string): Promise<boolean>;
  acknowledge(seq: number): void;
  /** Asks whether it is there. Resolves when it answers, which may be never. */
  ping(): Promise<void>;
  /** Says that this daemon begins something now, so that the keeper notices if it stalls. */
  busy(what: string): void;
  /** For how long a ping has waited for an answer (ms); null: none waits. */
  readonly silence: number | null;
  /** Records in order, first those replayed since the last acknowledged one. Set once, before `open`. */
  onRecord: (record: JournalRecord) => void;
  /** The connection broke: the keeper died. */
  onLost: () => void;
  leave(): Promise<void>;
  close(): void;
}

/** Everything that says to which run a process belongs. Persisted with the run, so that any later daemon can use it. */
export interface RunMarks {
  readonly run: string;
  readonly main: ProcessIdentity | null;
  readonly witness: Witness;
  /** The limit mark its processes are born with; null: none. */
  readonly mark: number | null;
  /** Declared or leased ports: a listener on one of them is looked at, never signalled for that alone. */
  readonly ports: readonly number[];
  /** What it was started with; absent: nothing is known of it. */
  readonly executed?: Executed;
}

export interface FoundProcess {
  readonly process: ProcessIdentity;
  readonly command: string;
  readonly found_by: readonly TrackerName[];
  /** Resident memory in bytes. */
  readonly memory: number;
  /** Processor time that it has used, in clock ticks, without that of its children. */
  readonly cpu: number;
}

/** A run of which live processes say that it is of this home, whatever started it: what a lost registry is made of again. */
export interface FoundRun {
  /** `mark-N`: only the limit mark says that there is one. */
  readonly run: string;
  /** The instance's `<id>`, where a cgroup tells it. */
  readonly id: string | null;
  /** The oldest process that speaks of the run. */
  readonly main: ProcessIdentity;
  readonly witness: Witness;
  /** Its limit mark; null: it has none. */
  readonly mark: number | null;
  /** The command line and the working folder of that process. */
  readonly words: readonly string[];
  readonly cwd: string;
  /** What its environment says; null: nothing. */
  readonly named: {
    readonly folder: string;
    readonly project: string;
    readonly service: string;
    readonly index: number;
  } | null;
}

/**
 * The processes of one run, from its start until no process is left. Trackers are united; whatever was once seen to belong
 * to the run stays known by its identity. Only verified identities are ever signalled.
 */
export interface RunProcesses {
  readonly marks: RunMarks;
  /** Absolute folder of its cgroup; null: it has none. */
  readonly cgroup: string | null;
  /** Which trackers work here, and what a receipt may promise because of it. */
  readonly promise: { readonly promise: 'verified' | 'best_effort'; readonly reason: string };
  /** Who is alive now. A zombie is not alive. */
  scan(): Promise<readonly FoundProcess[]>;
  /** Sends the signal to `main`, or to all but main (`rest`), or to `all`; SIGCONT follows each stop signal. */
  signal(whom: 'main' | 'rest' | 'all', signal: string): Promise<void>;
  /** The signal to main, and nothing after it: a person asked for it. Returns why it was not sent; null: it was. */
  signalMain(signal: string): string | null;
  /** SIGKILL to all: cgroup.kill where there is a cgroup, then every verified identity, again until a scan is empty or `until` has passed. Resolves with who is left. */
  kill(until: number): Promise<readonly FoundProcess[]>;
  /** Resolves (true) as soon as nobody of the run is alive, or (false) when aborted. */
  gone(signal: AbortSignal): Promise<boolean>;
  /** Records how a process of the run ended, as the keeper told it. */
  exited(process: ProcessIdentity, exit: Exit): void;
  /** The same of a detached process that the keeper has reaped. `by`: what says that it was of this run. */
  reaped(process: ProcessIdentity, exit: Exit, by: 'mark' | 'nothing'): void;
  /** The TCP sockets that are listened on at these ports. Reads nothing of any process while there is none. */
  listening(ports: readonly number[]): Promise<readonly RunListener[]>;
  /** Whether the kernel has ended a process of the run because its memory limit was reached; false where it cannot tell. */
  isOutOfMemory(): boolean;
  /** Everything seen and done since the run was opened. */
  evidence(): readonly ReceiptProcess[];
  /** Why a process that should be gone is still there (state, other user, uninterruptible, frozen). */
  explainSurvivors(service: string): Promise<readonly Survivor[]>;
  /** Removes what the run leaves in the system (its cgroup). Only when none is alive. */
  dispose(): Promise<void>;
}

/** A listening TCP socket, as one run sees it. */
export interface RunListener {
  readonly port: number;
  readonly address: string;
  /** `hidden`: a process of the run may not be looked into, and no other process is seen to hold the socket. */
  readonly holder: 'run' | 'hidden' | 'other';
}

export interface Platform {
  /** What this machine and user can do, each a declared fact: shown by `daemon status`. */
  readonly capabilities: readonly { readonly name: string; readonly available: boolean; readonly why: string }[];
  readonly boot: string;
  /** Makes the surroundings of a run that is about to be spawned: its cgroup, if one can be had. */
  prepare(id: string, run: string): Promise<{ readonly cgroup: string | null; readonly witness: Witness }>;
  track(marks: RunMarks): RunProcesses;
  /**
   * Whose the processes are, given the runs and the announcements of the home: those of this moment, or of the look by
   * which the runs' members were found, if that was after `since` (performance.now()).
   */
  owners(home: string, runs: readonly RunSigns[], announced: readonly Announced[], since?: number): Promise<Owners>;
  /** Live processes by run cookie of this home, whatever started them: for recovery. */
  findByCookie(home: string): Promise<
    readonly (FoundProcess & {
      readonly project: string | null;
      readonly service: string | null;
      readonly run: string;
      /** It is outside the cgroup of its run, and says that it is not to be ended with it. */
      readonly isDetached: boolean;
    })[]
  >;
  /** The runs of a home that live processes speak of, by cookie or cgroup. */
  findRuns(home: string): Promise<readonly FoundRun[]>;
  isAlive(process: ProcessIdentity): boolean;
  /** What the process was executed with; null: it is gone, or not ours to read. It may have overwritten it since. */
  environOf(process: ProcessIdentity): ReadonlyMap<string, string> | null;
  /** `null`: no such user. */
  findUser(name: string): Promise<UserEntry | null>;
  /** Group id of a name or number; `null`: no such group. */
  findGroup(name: string): Promise<number | null>;
  /** What is listened on, without whose it is: one look at the kernel's table, where `listeners` reads every descriptor. */
  sockets(): readonly Pick<Listener, 'port' | 'protocol'>[];
  /** One process a socket; of one port every process that holds a socket of it. */
  listeners(port?: number): Promise<readonly Listener[]>;
}
export interface UserEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}
export interface Listener {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly uid: number;
  /** `null` when this user may not look. */
  readonly process: ProcessIdentity | null;
  readonly command: string | null;
  readonly user: string;
}

export type Owner = ProcessOwner<Announced>;
/** Whose the processes of one moment are. */
export interface Owners {
  /** null: of no service of this home. */
  of(pid: number): Owner | null;
  /** What no service accounts for: left behind by a service, or asking to be left alone. */
  readonly strays: readonly Stray[];
}
export interface Stray {
  readonly process: ProcessIdentity;
  readonly command: string;
  readonly owner: Owner;
}

/** What a probe gets to know of the run it looks at. Strings are already replaced. */
export interface ProbeTarget {
  readonly run: string;
  readonly logs: string | null;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly processes: RunProcesses;
  /** Its TCP ports, in the order of the config. */
  readonly ports: readonly number[];
  /** As whom command checks are executed; null: as reeve itself. */
  readonly user: SpawnRequest['user'];
}
export type ReadyCheck =
  | Exclude<ReadySpec, { readonly kind: 'delay' | 'notify' | 'ipc' | 'fd' }>
  | { readonly kind: 'listening'; readonly ports: readonly number[] };
export type HealthCheck = HealthSpec['check'];
export interface ProbeAnswer {
  readonly ok: boolean;
  /** One sentence without a full stop: `GET http://127.0.0.1:8081/healthz 503`, `connection refused on 127.0.0.1:5433`. */
  readonly what: string;
  readonly ms: number;
}
export interface Probes {
  /** One attempt. Never throws: an error is an answer. */
  attempt(
    check: HttpCheck | TcpCheck | ReadyCheck | HealthCheck,
    target: ProbeTarget,
    timeout: number,
  ): Promise<ProbeAnswer>;
  /** Resolves with the matching line as soon as the run has written one (earlier output of the run counts), null when aborted. */
  logLine(check: LogCheck, target: ProbeTarget, signal: AbortSignal): Promise<string | null>;
}
