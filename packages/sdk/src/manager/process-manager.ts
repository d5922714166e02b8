import { isListenedOn, pause } from '@reeve/host';
import { AlreadyRunning } from '../service/already-running.ts';
import { holdUntilExit } from '../service/announce.ts';
import { listCards } from '../service/cards.ts';
import { heldName, holdName, letGoOfName } from '../service/held-name.ts';
import { checkServiceName } from '../service/names.ts';
import { Owner } from '../service/owner.ts';
import { findPlace, type PlaceOptions, type ServicePlace } from '../service/place.ts';
import { endProgram, listenForTheEnd, programEnd } from '../service/program-end.ts';
import { report, stackOf } from '../service/report.ts';
import { unitePorts } from '../service/say-card.ts';
import type { HandlerOptions, HandlerOutcome, ShutdownHandler } from '../service/shutdown.ts';
import { type ActionResult, describeProcess, type FoundProcess, type KillOptions, refuse } from './action-result.ts';
import { endFound } from './end-found.ts';
import { isBelowUs, isMarked, leftoversOf } from './ownership.ts';
import {
  checkPort,
  type FoundPortHolder,
  findProcessByPort,
  findProcessesByPort,
  isPortInUse,
  killProcessById,
  killProcessOnPort,
  type PortOptions,
} from './ports.ts';

/** Where the program belongs, and what it does when it is started again. */
export interface SingleInstanceOptions extends Pick<PlaceOptions, 'home' | 'cwd'> {
  /** In the copy that runs: command line and working folder of another that was just started. */
  readonly onSecondInstance?: (argv: readonly string[], cwd: string) => unknown;
}
/** Whether the name was taken. */
export type SingleInstance =
  | { readonly ok: true; readonly reason: 'done'; readonly pid: number }
  | {
      readonly ok: false;
      readonly reason: 'already_running';
      /** Of the one that runs; null: it could not be read. */
      readonly pid: number | null;
      /** It took our command line: end politely. */
      readonly handedOver: boolean;
      readonly message: string;
    };
/** How hard to try for a port. */
export interface EnsurePortOptions extends PortOptions, KillOptions {
  /** How often it is looked again when another process holds it. Default 3, a little later each time. */
  readonly maxRetries?: number;
}
/** A port that was registered with `registerManagedPort`. */
export interface ManagedPort {
  readonly port: number;
  readonly name: string;
  /** A process listens there now. */
  readonly inUse: boolean;
}
/** This program as its process manager sees it. */
export interface ProcessStatus {
  /** False from the moment at which its end has begun. */
  readonly isRunning: boolean;
  /** The name that this program holds; null: none. */
  readonly name: string | null;
  readonly pid: number;
  /** When the process was started. */
  readonly startTime: Date;
  readonly managedPorts: readonly ManagedPort[];
  /** Handlers that are still to be run at the end. */
  readonly shutdownHandlers: number;
}

/** The first wait between two looks at a port. Milliseconds. */
const RETRY = 100;

/**
 * The process manager of this program, with no daemon at all. One a program: {@link getProcessManager}. Actions return
 * `{ ok, reason }` and throw only for what is wrong in the call itself (USAGE).
 */
export class ProcessManager {
  readonly #ports = new Map<number, string>();
  readonly #startTime = new Date(Date.now() - process.uptime() * 1000);
  #release: (() => Promise<void>) | null = null;

  /**
   * Takes a name by a lock of the system, which the kernel frees when this program ends, however it ends. The second
   * learns the pid of the first and hands its command line over, if the first wants it. A `ManagedService` of this
   * program holds its name already. Throws USAGE for a name that is not kebab-case, HOME_UNSAFE.
   */
  async enforceSingleInstance(name: string, options: SingleInstanceOptions = {}): Promise<SingleInstance> {
    checkServiceName(name);
    const place = await findPlace(name, options);
    if (heldName()?.place.id === place.id) return { ok: true, reason: 'done', pid: process.pid };
    try {
      const owner = await Owner.open(place, {
        kind: 'service',
        title: null,
        description: '',
        methods: () => ({ start: null, cleanup: null }),
        shutdown: (reason, timeout) => void endProgram({ kind: 'request', reason }, timeout),
        secondInstance: () => options.onSecondInstance ?? null,
      });
      await this.#release?.();
      this.#take(place, owner);
      return { ok: true, reason: 'done', pid: process.pid };
    } catch (error) {
      if (!(error instanceof AlreadyRunning)) throw error;
      const { pid, handedOver, message } = error;
      return { ok: false, reason: 'already_running', pid, handedOver, message };
    }
  }

  /** Whether a process listens on it, TCP or UDP, IPv4 or IPv6. Throws USAGE for an invalid port. */
  isPortInUse(port: number, options?: PortOptions): Promise<boolean> {
    return isPortInUse(port, options);
  }
  /** Who listens on it; null: no process, or a process that we may not look at. */
  findProcessByPort(port: number, options?: PortOptions): Promise<FoundPortHolder | null> {
    return findProcessByPort(port, options);
  }
  /** Ends every process that listens on it. See the function of this name. */
  killProcessOnPort(port: number, options?: PortOptions & KillOptions): Promise<ActionResult> {
    return killProcessOnPort(port, options);
  }
  /** Ends one process and what belongs to it. See the function of this name. */
  killProcessById(target: Parameters<typeof killProcessById>[0], options?: KillOptions): Promise<ActionResult> {
    return killProcessById(target, options);
  }

  /** Counts a port as this program's; shown by `getProcessStatus` and to every caller that asks. Throws USAGE. */
  registerManagedPort(port: number, name: string): void {
    checkPort(port);
    this.#ports.set(port, name);
    this.#tellPorts();
  }

  /**
   * Makes sure that nothing is listening on a port. What is ours (below this program, or left by an earlier start of the
   * same single instance) is ended; any other only with `force`, else it is looked again `maxRetries` times and then
   * `not_permitted` names it.
   */
  async ensurePortAvailable(port: number, options: EnsurePortOptions = {}): Promise<ActionResult> {
    const { maxRetries = 3, force = false } = options;
    for (let attempt = 0; ; attempt++) {
      if (!(await isPortInUse(port, options))) return free(port);
      const holders = await findProcessesByPort(port, options);
      const stranger = holders.find((holder) => !this.#isOurs(holder));
      const isSelf = holders.some(({ pid }) => pid === process.pid);
      if (isSelf) return refuse('protected', `port ${port} is held by this program`);
      if (holders.length > 0 && (force || !stranger)) {
        const result = await killProcessOnPort(port, options);
        if (result.ok || result.reason !== 'gone') return result;
      } else if (attempt >= maxRetries) {
        const owner = stranger ? describeProcess(stranger) : 'a process that we may not look at';
        return refuse(
          'not_permitted',
          `port ${port} is held by ${owner}; it is not ours, so it is only ended with force`,
        );
      }
      if (attempt >= maxRetries) return refuse('survived', `port ${port} is taken again and again`);
      await pause(RETRY * 2 ** attempt);
    }
  }

  /**
   * Ends what earlier starts of this single instance, or of this program's `ManagedService`, have left behind: processes that carry its mark in their environment
   * (whatever they and their parents did meanwhile) and are not of this start. `not_found`: nothing was left; also `ok`.
   */
  async cleanupOnStartup(options: KillOptions = {}): Promise<ActionResult> {
    const held = heldName();
    if (held === null) return { ...refuse('not_found', 'no name is held: call enforceSingleInstance first'), ok: true };
    const left = leftoversOf(held.place.id, held.mark, listCards(held.place.run));
    if (left.length === 0) return { ...refuse('not_found', 'nothing was left behind'), ok: true };
    return endFound(left, options);
  }

  /** See `ManagedService.onStop`: the newest first, each on its own and within its limit (default 5 s), once. */
  addShutdownHandler(handler: ShutdownHandler, options?: HandlerOptions): () => void {
    return programEnd().stack.add(handler, options);
  }
  /** Runs the handlers now. The program continues and keeps its names; what has been run is not run again. Never rejects. */
  executeShutdownHandlers(reason: string | null = null): Promise<readonly HandlerOutcome[]> {
    return programEnd().stack.executeHandlers({ kind: 'request', reason });
  }
  /** From now on they are run at SIGTERM, SIGINT, SIGHUP (Windows: SIGBREAK), an uncaught error and the normal end. Returns what takes that back. */
  registerShutdownHandlers(): () => void {
    return listenForTheEnd();
  }

  /** What this program is now: its name, start, managed ports and how many shutdown handlers it has. */
  getProcessStatus(): ProcessStatus {
    return {
      isRunning: programEnd().ending === null,
      name: heldName()?.place.service ?? null,
      pid: process.pid,
      startTime: this.#startTime,
      managedPorts: [...this.#ports].map(([port, name]) => ({ port, name, inUse: isListenedOn(port) })),
      shutdownHandlers: programEnd().stack.handlers,
    };
  }

  /** One error on stderr, with its time, where it happened and its stack. */
  logError(error: unknown, context: string): void {
    report(`${new Date().toISOString()} ${heldName()?.place.service ?? 'reeve'}: ${context}: ${stackOf(error)}`);
  }

  /** Gives the name back and forgets ports and shutdown handlers of the whole program. */
  async reset(): Promise<void> {
    programEnd().stopListening?.();
    programEnd().stack.clear();
    this.#ports.clear();
    await this.#release?.();
    this.#release = null;
  }

  #take(place: ServicePlace, owner: Owner): void {
    const release = holdUntilExit(place.service, owner);
    holdName(place, owner);
    this.#release = async () => {
      letGoOfName(owner);
      await release();
    };
    owner.say({ state: 'running', ready: true });
    this.#tellPorts();
  }

  #tellPorts(): void {
    const ports = [...this.#ports].map(([port, name]) => ({ port, name, protocol: 'tcp' as const }));
    const owner = heldName()?.owner;
    if (ports.length > 0) owner?.say({ ports: unitePorts(owner.card.ports ?? [], ports) });
  }

  #isOurs({ pid }: FoundProcess): boolean {
    const held = heldName();
    return isBelowUs(pid) || (held !== null && isMarked(pid, held.place.id));
  }
}

function free(port: number): ActionResult {
  return { ok: true, reason: 'done', message: `nothing is listening on port ${port}`, processes: [] };
}

/** One a program, also when the package is loaded twice, as a module and as CommonJS. */
const KEY = Symbol.for('@reeve/sdk process manager 1');
const here = globalThis as { [KEY]?: ProcessManager | undefined };

/** The process manager of this program. */
export function getProcessManager(): ProcessManager {
  here[KEY] ??= new ProcessManager();
  return here[KEY];
}

/** Gives back what it holds; the next `getProcessManager` is a new one. For tests, mostly. */
export async function resetProcessManager(): Promise<void> {
  const manager = here[KEY];
  here[KEY] = undefined;
  await manager?.reset();
}
