import type { Exit } from '@reeve/contract';
import { after, type Timer } from '@reeve/host';
import type { ActionMethods } from './announcement.ts';
import type { Background } from './background.ts';
import { allow } from './end-limit.ts';
import { heldName, holdName, letGoOfName } from './held-name.ts';
import { titleOf } from './names.ts';
import { type Notifier, notifier } from './notify.ts';
import { Owner, type SecondInstanceHandler } from './owner.ts';
import { findPlace, type PlaceOptions, type ServicePlace } from './place.ts';
import type { CardChange } from './presence.ts';
import { endProgram, listenForTheEnd, programEnd } from './program-end.ts';
import { report, stackOf } from './report.ts';
import { type HandlerOptions, type HandlerOutcome, type ShutdownReason, ShutdownStack } from './shutdown.ts';

/** How long the end waits for `run()` to return. Milliseconds. */
const RUN_GRACE = 5000;
/** How long the end waits until a supervisor has been informed. Milliseconds. */
const TELL_GRACE = 500;
/** Each handler has a limit of its own. The longest that a timer takes. */
const NO_LIMIT = 2 ** 31 - 1;

/** Where a service belongs, where that is not the default, and what it is. */
export interface LifeOptions extends Pick<PlaceOptions, 'home' | 'cwd'> {
  /** One line about it, for people. */
  readonly description?: string;
}

/** What a managed service is from its opening to its end; the class that users extend is its face. */
export class ServiceLife {
  readonly stops = new ShutdownStack();
  readonly controller = new AbortController();
  readonly notify: Notifier = notifier();
  readonly options: LifeOptions;
  place: ServicePlace | null = null;
  title: string | null = null;
  owner: Owner | null = null;
  methods: ActionMethods = { start: null, cleanup: null };
  secondInstance: SecondInstanceHandler | null = null;
  readonly #name: string;
  readonly #reloads: (() => unknown)[] = [];
  /** What was said before the name was held. */
  #early: CardChange = {};
  #running: Promise<unknown> = Promise.resolve();
  #stopping: Promise<readonly HandlerOutcome[]> | null = null;

  constructor(name: string, options: LifeOptions) {
    this.#name = name;
    this.options = options;
  }

  async open(wantedTitle: string | null): Promise<void> {
    const place = await findPlace(this.#name, this.options);
    const title = titleOf(place.project, this.#name, wantedTitle);
    this.owner = await Owner.open(place, {
      kind: 'service',
      title,
      description: this.options.description ?? '',
      methods: () => this.methods,
      shutdown: (reason, timeout) => void endProgram({ kind: 'request', reason }, timeout),
      secondInstance: () => this.secondInstance,
    });
    this.place = place;
    this.title = title;
    process.title = title;
    if (heldName() === null) holdName(place, this.owner);
    this.owner.say(this.#early);
    listenForTheEnd();
    const forget = programEnd().stack.add((reason) => this.#end(reason), { name: this.#name, timeout: NO_LIMIT }, true);
    this.stops.add(forget, { name: 'program end' });
  }

  /** The end of the program waits for what `run` still does. */
  watch(running: Promise<unknown>): void {
    this.#running = running.catch(() => undefined);
  }

  say(change: CardChange, when: 'now' | 'soon' = 'now'): void {
    if (this.owner) this.owner.say(change, when);
    else this.#early = { ...this.#early, ...change };
  }

  get ports(): NonNullable<CardChange['ports']> {
    return this.owner?.card.ports ?? this.#early.ports ?? [];
  }

  onReload(handler: () => unknown): void {
    if (this.#reloads.push(handler) > 1) return;
    const reload = () => this.#reload();
    programEnd().reloads.add(reload);
    this.stops.add(() => void programEnd().reloads.delete(reload), { name: 'reload' });
  }

  beside(name: string, background: Background, { timeout }: Pick<HandlerOptions, 'timeout'>): Background {
    const forget = this.stops.add(() => background.stop(), { name, ...(timeout === undefined ? {} : { timeout }) });
    return {
      stop: async () => {
        forget();
        await background.stop();
      },
    };
  }

  /** Something beside the main work has failed: shown on stderr, and in the answer to every request. */
  failed(what: string, error: unknown): void {
    report(`${this.#name}: ${what}: ${stackOf(error)}`);
    const text = error instanceof Error ? error.message : stackOf(error);
    this.health('unhealthy', `${what}: ${text}`);
  }

  health(health: 'healthy' | 'unhealthy', reason: string | null): void {
    this.say({ health, health_reason: reason });
    void this.notify.tell(`X_REEVE_HEALTH=${health}${reason === null ? '' : `:${reason}`}`);
  }

  /** Once. `running`: wait for `run` too, which an end from outside does and `close()` within it must not. */
  stop(reason: ShutdownReason, waitForRun: boolean): Promise<readonly HandlerOutcome[]> {
    this.#stopping ??= this.#stopNow(reason, waitForRun);
    return this.#stopping;
  }

  async #stopNow(reason: ShutdownReason, waitForRun: boolean): Promise<readonly HandlerOutcome[]> {
    allow(RUN_GRACE);
    this.say({ state: 'stopping', ready: false });
    const told = this.notify.tell('STOPPING=1');
    this.controller.abort();
    const outcomes = await this.stops.execute(reason);
    allow(RUN_GRACE + TELL_GRACE);
    if (waitForRun) await atMost(RUN_GRACE, this.#running);
    await atMost(TELL_GRACE, told);
    if (reason.kind !== 'request' && outcomes.some(({ ok }) => !ok)) process.exitCode ??= 1; // the card tells it, too
    if (this.owner) letGoOfName(this.owner);
    await atMost(RUN_GRACE, this.owner?.close(exitOf(reason)) ?? Promise.resolve());
    return outcomes;
  }

  #end(reason: ShutdownReason): unknown {
    if (reason.kind !== 'exit' || !reason.final) return this.stop(reason, true);
    if (this.#stopping) return undefined;
    this.controller.abort();
    this.stops.executeNow(reason);
    return this.owner?.closeNow(exitOf(reason));
  }

  async #reload(): Promise<void> {
    const micros = String(process.hrtime.bigint() / 1000n);
    await this.notify.tell('RELOADING=1', `MONOTONIC_USEC=${micros}`);
    for (const handler of this.#reloads) {
      try {
        await handler();
      } catch (error) {
        this.failed('reload', error);
      }
    }
    await this.notify.tell('READY=1');
  }
}

function exitOf(reason: ShutdownReason): Exit | null {
  if (reason.kind === 'request') return null;
  const own = Number(process.exitCode ?? 0);
  const code = reason.kind === 'uncaught' ? own || 1 : own;
  return { kind: 'code', code, signal: null, at: new Date().toISOString() };
}

async function atMost(limit: number, work: Promise<unknown>): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise((resolve) => {
    timer = after(limit, () => resolve(null));
  });
  await Promise.race([work, late]);
  timer?.cancel();
}
