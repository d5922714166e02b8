import { type Exit, type HealthName, ReeveError, type ServiceStatus } from '@reeve/contract';
import { AlreadyRunning } from './already-running.ts';
import { type AnnouncementInput, readAnnouncement } from './announcement.ts';
import { type Background, startInterval, startWorker } from './background.ts';
import { type DependencyOptions, type Endpoint, findEndpoint, waitForDependency } from './dependency.ts';
import { checkServiceName, titleOf } from './names.ts';
import { type Notifier, notifier } from './notify.ts';
import { Owner } from './owner.ts';
import { findPlace, type PlaceOptions, type ServicePlace } from './place.ts';
import type { CardChange } from './presence.ts';
import { endProgram, listenForTheEnd, programEnd } from './program-end.ts';
import { readData, unitePorts } from './say-card.ts';
import {
  type HandlerOptions,
  type HandlerOutcome,
  type ShutdownHandler,
  type ShutdownReason,
  ShutdownStack,
} from './shutdown.ts';
import { warn } from './warn.ts';

export interface ServiceOptions extends Pick<PlaceOptions, 'home' | 'cwd'> {
  readonly description?: string;
}
/** In the copy that runs: the command line (`process.argv`) and working folder of another that was just started. */
export type SecondInstanceHandler = (argv: readonly string[], cwd: string) => unknown;
export interface Registered {
  /** The process title as the system has it. */
  readonly title: string | null;
  /** The system had no room for all of it: start the program with `node --title=…`. */
  readonly cut: boolean;
}
export interface WatchdogOptions {
  /** Asked before each sign of life; false, or an error, withholds it. */
  readonly check?: () => boolean | Promise<boolean>;
}

/** How long the end waits for `run()` to return. Milliseconds. */
const RUN_GRACE = 5000;
/** How long the end waits until a supervisor has been told. Milliseconds. */
const TELL_GRACE = 500;
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
  readonly #options: ServiceOptions;
  readonly #stops = new ShutdownStack();
  readonly #controller = new AbortController();
  readonly #notify: Notifier = notifier();
  readonly #reloads: (() => unknown)[] = [];
  /** What was said before the name was held. */
  #early: CardChange = {};
  #owner: Owner | null = null;
  #place: ServicePlace | null = null;
  #title: string | null = null;
  #onSecondInstance: SecondInstanceHandler | null = null;
  #running: Promise<unknown> = Promise.resolve();
  #stopping: Promise<readonly HandlerOutcome[]> | null = null;

  /** `processTitle` defaults to `<project>-<serviceName>` and must begin with the project. Throws USAGE for a bad name. */
  constructor(serviceName: string, processTitle: string | null = null, options: ServiceOptions = {}) {
    checkServiceName(serviceName);
    this.serviceName = serviceName;
    this.#wantedTitle = processTitle;
    this.#options = options;
  }

  /** The work. Returns when it is done, or when {@link signal} is aborted: `await this.untilStopped()`. */
  abstract run(): Promise<unknown> | unknown;

  /**
   * Constructs the service, takes its name, sets the title and sees to it that it ends in order. Throws
   * {@link AlreadyRunning} with the pid of the one that runs, USAGE for a bad name or title, HOME_UNSAFE.
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
   * failed. Errors go to stderr. Never rejects.
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
      process.exitCode = exitCodeOf(error);
      process.stderr.write(`${describe(error)}\n`);
    }
    await service?.close();
  }

  /** Of the project; null before the service is open. */
  get project(): string | null {
    return this.#place?.project ?? null;
  }
  /** What the process is called; null before the service is open. */
  get processTitle(): string | null {
    return this.#title;
  }
  /** Aborted when the service is to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
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
   * and `ports` in it count as its ports. Throws USAGE for what is no JSON or more than 256 KiB.
   */
  register(data: Readonly<Record<string, unknown>>): Registered {
    const read = readData(data);
    this.#say({ data: read.data, ports: unitePorts(this.#owner?.card.announcement?.ports ?? [], read.ports) });
    const title = this.#title === null ? null : process.title;
    const cut = title !== this.#title;
    if (cut) {
      warn(
        'REEVE_TITLE',
        `the process title is cut to "${title}": the system has no more room for it. Start with: node --title=${this.#title} …`,
      );
    }
    return { title, cut };
  }

  /** Says that the service does its work from now on. Resolves when a supervisor, if there is one, was told. */
  ready(): Promise<void> {
    this.#say({ state: 'running', ready: true });
    if (process.connected) process.send?.('ready');
    return this.#notify.tell('READY=1');
  }

  /** One line about what it does, for people. */
  status(text: string): void {
    this.#say({ status: text }, 'soon');
    void this.#notify.tell(`STATUS=${text}`);
  }

  /** Reports its own health; `unhealthy` counts like a failed check. */
  health(health: Exclude<HealthName, 'unknown'>, reason: string | null = null): void {
    this.#say({ health, health_reason: reason });
    void this.#notify.tell(`X_REEVE_HEALTH=${health}${reason === null ? '' : `:${reason}`}`);
  }

  /** What `status` over the control socket answers; null before the service is open. */
  describeStatus(): ServiceStatus | null {
    return this.#owner?.presence?.status() ?? null;
  }

  /** From now on gives a supervisor that wants it a sign of life at half its limit, until the service stops. */
  watchdog(options: WatchdogOptions = {}): void {
    const limit = this.#notify.watchdog;
    if (limit === null) return;
    const beat = async (): Promise<void> => {
      if ((await options.check?.()) ?? true) await this.#notify.tell('WATCHDOG=1');
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
    return this.#stops.add(handler, options);
  }

  /** Runs at SIGHUP, which then no longer stops the service. */
  onReload(handler: () => unknown): void {
    if (this.#reloads.push(handler) > 1) return;
    const reload = () => this.#reload();
    programEnd().reloads.add(reload);
    this.#stops.add(() => void programEnd().reloads.delete(reload), { name: 'reload' });
  }

  /** Another copy was started and ends: here are its command line and folder. Call it in the constructor. */
  onSecondInstance(handler: SecondInstanceHandler): void {
    this.#onSecondInstance = handler;
  }

  /**
   * Starts work beside `run`, until its signal is aborted. When it fails the service is `unhealthy`, and goes on. The end
   * waits for it (default 5 s), in the order of the newest first.
   */
  worker(
    name: string,
    work: (signal: AbortSignal) => unknown,
    options: Pick<HandlerOptions, 'timeout'> = {},
  ): Background {
    return this.#beside(
      name,
      startWorker(work, (error) => this.#failed(`worker ${name}`, error)),
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
    return this.#beside(
      name,
      startInterval(every, work, (error) => this.#failed(`interval ${name}`, error)),
      options,
    );
  }

  /** Resolves to the endpoint of another service of the project when it is ready and not unhealthy. Throws TIMED_OUT, saying what it is instead. */
  dependency(name: string, options: DependencyOptions = {}): Promise<Endpoint> {
    return waitForDependency(name, { signal: this.signal, ...this.#options, ...options });
  }

  /** Where another service of the project is now. Throws SERVICE_UNKNOWN or NOT_RUNNING. */
  endpoint(name: string): Promise<Endpoint> {
    return findEndpoint(name, this.#options);
  }

  /** Says what this service manages, under its own name. A second call replaces the first. Throws USAGE. */
  announceProcessManagement(input: AnnouncementInput): void {
    const { announcement, methods } = readAnnouncement(input, ['PROCESS_MANAGER']);
    this.#methods = methods;
    this.#say({
      announcement,
      capabilities: announcement.capabilities,
      dependencies: announcement.dependencies,
      ports: unitePorts(this.#owner?.card.ports ?? this.#early.ports ?? [], announcement.ports),
    });
  }
  #methods: ReturnType<typeof readAnnouncement>['methods'] = { start: null, cleanup: null };

  /** Stops what runs beside, runs the `onStop` handlers, and gives the name back. Once; returns what each handler came to. */
  close(): Promise<readonly HandlerOutcome[]> {
    return this.#stop({ kind: 'request', reason: 'close' }, null);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(): Promise<void> {
    const place = await findPlace(this.serviceName, this.#options);
    const title = titleOf(place.project, this.serviceName, this.#wantedTitle);
    this.#owner = await Owner.open(place, {
      kind: 'service',
      title,
      description: this.#options.description ?? '',
      methods: () => this.#methods,
      shutdown: (reason, timeout) => void endProgram({ kind: 'request', reason }, timeout),
      secondInstance: () => this.#onSecondInstance,
    });
    this.#place = place;
    this.#title = title;
    process.title = title;
    this.#owner.say(this.#early);
    this.#watchRun();
    listenForTheEnd();
    const forget = programEnd().stack.add((reason) => this.#end(reason), { name: this.serviceName, timeout: NEVER });
    this.#stops.add(forget, { name: 'program end' });
  }

  /** So that the end of the program can wait for what `run` still does. */
  #watchRun(): void {
    const run = this.run.bind(this);
    this.run = () => {
      const running = (async () => await run())();
      this.#running = running.catch(() => undefined);
      return running;
    };
  }

  #end(reason: ShutdownReason): unknown {
    if (reason.kind !== 'exit' || !reason.final) return this.#stop(reason, this.#running);
    if (this.#stopping) return undefined;
    this.#controller.abort();
    this.#stops.executeNow(reason);
    return this.#owner?.closeNow(exitOf(reason));
  }

  #stop(reason: ShutdownReason, running: Promise<unknown> | null): Promise<readonly HandlerOutcome[]> {
    this.#stopping ??= (async () => {
      this.#say({ state: 'stopping', ready: false });
      const told = this.#notify.tell('STOPPING=1');
      this.#controller.abort();
      const outcomes = await this.#stops.execute(reason);
      await atMost(RUN_GRACE, running);
      await atMost(TELL_GRACE, told);
      await this.#owner?.close(exitOf(reason));
      if (reason.kind !== 'request' && outcomes.some(({ ok }) => !ok)) process.exitCode ??= 1;
      return outcomes;
    })();
    return this.#stopping;
  }

  async #reload(): Promise<void> {
    const micros = String(process.hrtime.bigint() / 1000n);
    await this.#notify.tell('RELOADING=1', `MONOTONIC_USEC=${micros}`);
    for (const handler of this.#reloads) {
      try {
        await handler();
      } catch (error) {
        this.#failed('reload', error);
      }
    }
    await this.#notify.tell('READY=1');
  }

  #beside(name: string, background: Background, { timeout }: Pick<HandlerOptions, 'timeout'>): Background {
    const forget = this.#stops.add(() => background.stop(), { name, ...(timeout === undefined ? {} : { timeout }) });
    return {
      stop: async () => {
        forget();
        await background.stop();
      },
    };
  }

  #failed(what: string, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${this.serviceName}: ${what}: ${error instanceof Error ? (error.stack ?? text) : text}\n`);
    this.health('unhealthy', `${what}: ${text}`);
  }

  #say(change: CardChange, when: 'now' | 'soon' = 'now'): void {
    if (this.#owner) this.#owner.say(change, when);
    else this.#early = { ...this.#early, ...change };
  }
}

function exitOf(reason: ShutdownReason): Exit | null {
  if (reason.kind === 'request') return null;
  const code = reason.kind === 'uncaught' ? 1 : Number(process.exitCode ?? 0);
  return { kind: 'code', code, signal: null, at: new Date().toISOString() };
}

function exitCodeOf(error: unknown): number {
  if (error instanceof AlreadyRunning && error.handedOver) return 0;
  return error instanceof ReeveError ? error.exit : 1;
}

function describe(error: unknown): string {
  if (error instanceof ReeveError) return `${error.message}${error.hint === null ? '' : `\n  ${error.hint}`}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function atMost(limit: number, work: Promise<unknown> | null): Promise<void> {
  if (work === null) return;
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    work,
    new Promise((resolve) => {
      timer = setTimeout(resolve, limit);
    }),
  ]);
  clearTimeout(timer);
}
