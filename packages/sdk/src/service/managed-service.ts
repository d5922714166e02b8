import type { HealthName, ServiceStatus } from '@reeve/contract';
import { type AnnouncementInput, readAnnouncement } from './announcement.ts';
import { type Background, startInterval, startWorker } from './background.ts';
import { type DependencyOptions, type Endpoint, findEndpoint, waitForDependency } from './dependency.ts';
import { describeError, exitCodeOf } from './error-report.ts';
import { checkServiceName } from './names.ts';
import type { SecondInstanceHandler } from './owner.ts';
import { failProgram } from './program-end.ts';
import { readData, unitePorts } from './say-card.ts';
import { ServiceLife, type LifeOptions as ServiceOptions } from './service-life.ts';
import type { HandlerOptions, HandlerOutcome, ShutdownHandler } from './shutdown.ts';
import { warn } from './warn.ts';

export type { SecondInstanceHandler, ServiceOptions };

/** What `register` came to beside storing the data. */
export interface Registered {
  /** The process title as the system has it. */
  readonly title: string | null;
  /** The system had no room for all of it: start the program with `node --title=…`. */
  readonly cut: boolean;
}
/** How `watchdog` finds out whether the service is well. */
export interface WatchdogOptions {
  /** Asked before each sign of life; false, or an error, withholds it. */
  readonly check?: () => boolean | Promise<boolean>;
}

/** The longest that a timer takes. Milliseconds. */
const NEVER = 2 ** 31 - 1;

/**
 * A service that knows and says who it is. It holds its name by a lock of the system, so there is one of it in a
 * project; it can be found, asked and stopped over its control socket; and it cleans up however it ends. It needs no
 * daemon, and what only a supervisor can use does nothing where there is none.
 *
 * `await using service = await WebEditor.open(); await service.run();`, the same with `try … finally { await
 * service.close(); }`, or in one line `await WebEditor.main();`.
 */
export abstract class ManagedService implements AsyncDisposable {
  /** Kebab-case, unique in the project. */
  readonly serviceName: string;
  readonly #wantedTitle: string | null;
  readonly #life: ServiceLife;

  /** `processTitle` defaults to `<project>-<serviceName>` and must begin with the project. Throws USAGE for a bad name. */
  constructor(serviceName: string, processTitle: string | null = null, options: ServiceOptions = {}) {
    checkServiceName(serviceName);
    this.serviceName = serviceName;
    this.#wantedTitle = processTitle;
    this.#life = new ServiceLife(serviceName, options);
  }

  /** The work. Returns when it is done, or when {@link signal} is aborted: `await this.untilStopped()`. */
  abstract run(): Promise<unknown> | unknown;

  /**
   * Constructs the service, takes its name, sets the title and sees to it that it ends in order. Throws
   * `AlreadyRunning` with the pid of the one that runs, USAGE for a bad name or title, HOME_UNSAFE.
   */
  static async open<T extends ManagedService, A extends readonly unknown[]>(
    this: new (
      ...args: A
    ) => T,
    ...args: A
  ): Promise<T> {
    const service = new this(...args);
    await service.#open();
    return service;
  }

  /**
   * Opens, runs and closes; the exit code tells: 0 done, or handed over to the one that runs; 5 another one runs; 1 it
   * failed, or a handler did. Errors go to stderr, and a failure ends the program. Never rejects.
   */
  static async main<T extends ManagedService, A extends readonly unknown[]>(
    this: new (
      ...args: A
    ) => T,
    ...args: A
  ): Promise<void> {
    let service: T | null = null;
    try {
      service = new this(...args);
      await service.#open();
      await service.run();
    } catch (error) {
      await failProgram(error, exitCodeOf(error), describeError(error));
    }
    await service?.close();
  }

  /** Of the project; null before the service is open. */
  get project(): string | null {
    return this.#life.place?.project ?? null;
  }
  /** What the process is called; null before the service is open. */
  get processTitle(): string | null {
    return this.#life.title;
  }
  /** Aborted when the service is to stop. */
  get signal(): AbortSignal {
    return this.#life.controller.signal;
  }

  /** Resolves when the service is to stop, and keeps the program alive until then. */
  untilStopped(): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const alive = setInterval(() => undefined, NEVER);
      this.signal.addEventListener('abort', () => {
        clearInterval(alive);
        resolve();
      });
    });
  }

  /**
   * Stores any JSON object as the service's data, shown by `reeve ps --json`; a second call replaces the first. `port`
   * and `ports` in it count as its ports. Throws USAGE for what is not JSON or more than 256 KiB.
   */
  register(data: Readonly<Record<string, unknown>>): Registered {
    const read = readData(data);
    const { owner, title: wanted } = this.#life;
    this.#life.say({ data: read.data, ports: unitePorts(owner?.card.announcement?.ports ?? [], read.ports) });
    const title = wanted === null ? null : process.title;
    const cut = title !== wanted;
    if (cut) {
      warn(
        'REEVE_TITLE',
        `the process title is cut to "${title}": the system has no more room for it. Start with: node --title=${wanted} …`,
      );
    }
    return { title, cut };
  }

  /** Says that the service does its work from now on. Resolves when a supervisor, if there is one, knows. */
  ready(): Promise<void> {
    this.#life.say({ state: 'running', ready: true });
    if (process.connected) process.send?.('ready', () => undefined); // the parent may be gone by now
    return this.#life.notify.tell('READY=1');
  }

  /** One line about what it does, for people. */
  status(text: string): void {
    this.#life.say({ status: text }, 'soon');
    void this.#life.notify.tell(`STATUS=${text}`);
  }

  /** Reports its own health; `unhealthy` counts like a failed check. */
  health(health: Exclude<HealthName, 'unknown'>, reason: string | null = null): void {
    this.#life.health(health, reason);
  }

  /** What `status` over the control socket answers; null before the service is open. */
  describeStatus(): ServiceStatus | null {
    return this.#life.owner?.presence?.status() ?? null;
  }

  /** From now on gives a supervisor that wants it a sign of life at half its limit, until the service stops. */
  watchdog(options: WatchdogOptions = {}): void {
    const limit = this.#life.notify.watchdog;
    if (limit === null) return;
    const beat = async (): Promise<void> => {
      if ((await options.check?.()) ?? true) await this.#life.notify.tell('WATCHDOG=1');
    };
    this.interval('watchdog', limit / 2, beat);
    void beat().catch(() => undefined); // the interval tells of it
  }

  /**
   * Runs when the service stops, the newest first, each on its own and within its limit (default 5 s), once: at SIGTERM,
   * SIGINT, SIGHUP, an uncaught error, a `shutdown` over the control socket, `close()`, the normal end; after
   * `process.exit()` only what is synchronous. Returns what takes it back.
   */
  onStop(handler: ShutdownHandler, options?: HandlerOptions): () => void {
    return this.#life.stops.add(handler, options);
  }

  /** Runs at SIGHUP, which then no longer stops the service. */
  onReload(handler: () => unknown): void {
    this.#life.onReload(handler);
  }

  /** Another copy was started and ends: here are its command line and folder. Call it in the constructor. */
  onSecondInstance(handler: SecondInstanceHandler): void {
    this.#life.secondInstance = handler;
  }

  /**
   * Starts work beside `run`, until its signal is aborted. When it fails the service is `unhealthy`, and continues. The end
   * waits for it (default 5 s), in the order of the newest first.
   */
  worker(
    name: string,
    work: (signal: AbortSignal) => unknown,
    options: Pick<HandlerOptions, 'timeout'> = {},
  ): Background {
    return this.#life.beside(
      name,
      startWorker(work, (error) => this.#life.failed(`worker ${name}`, error)),
      options,
    );
  }

  /** Does something every `every` milliseconds, never twice at once. Stopped and waited for like a worker. */
  interval(
    name: string,
    every: number,
    work: (signal: AbortSignal) => unknown,
    options: Pick<HandlerOptions, 'timeout'> = {},
  ): Background {
    return this.#life.beside(
      name,
      startInterval(every, work, (error) => this.#life.failed(`interval ${name}`, error)),
      options,
    );
  }

  /** Resolves to the endpoint of another service of the project when it is ready and not unhealthy. Throws TIMED_OUT, saying what it is instead. */
  dependency(name: string, options: DependencyOptions = {}): Promise<Endpoint> {
    return waitForDependency(name, { signal: this.signal, ...this.#life.options, ...options });
  }

  /** Where another service of the project is now. Throws SERVICE_UNKNOWN or NOT_RUNNING. */
  endpoint(name: string): Promise<Endpoint> {
    return findEndpoint(name, this.#life.options);
  }

  /** Says what this service manages, under its own name. A second call replaces the first. Throws USAGE. */
  announceProcessManagement(input: AnnouncementInput): void {
    const { announcement, methods } = readAnnouncement(input, ['PROCESS_MANAGER']);
    this.#life.methods = methods;
    this.#life.say({
      announcement,
      capabilities: announcement.capabilities,
      dependencies: announcement.dependencies,
      ports: unitePorts(this.#life.ports, announcement.ports),
    });
  }

  /** Stops what runs beside, runs the `onStop` handlers, and gives the name back. Once; returns what each handler came to. */
  close(): Promise<readonly HandlerOutcome[]> {
    return this.#life.stop({ kind: 'request', reason: 'close' }, false);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(): Promise<void> {
    await this.#life.open(this.#wantedTitle);
    const run = this.run.bind(this);
    this.run = () => {
      const running = (async () => await run())();
      this.#life.watch(running);
      return running;
    };
  }
}
