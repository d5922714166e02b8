import { after, type Timer } from '@reeve/host';
import { allow } from './end-limit.ts';
import { report, stackOf } from './report.ts';

/** Why the program ends. */
export type ShutdownReason =
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  /** An error that nobody caught, or a rejection that nobody handled. */
  | { readonly kind: 'uncaught'; readonly error: unknown }
  /** Nothing is left to do; `final`: `process.exit()` was called, and nothing asynchronous is waited for any more. */
  | { readonly kind: 'exit'; readonly final: boolean }
  /** Asked for: over the control socket, or by `executeShutdownHandlers()`. */
  | { readonly kind: 'request'; readonly reason: string | null };
/** What is run at the end; a promise that it returns is waited for. What it throws is reported on stderr. */
export type ShutdownHandler = (reason: ShutdownReason) => unknown;
/** Of one shutdown handler. */
export interface HandlerOptions {
  /** For reports. */
  readonly name?: string;
  /** Milliseconds that it may take. Default 5 s. A synchronous one cannot be cut short: the program is killed then. */
  readonly timeout?: number;
}
/** What one shutdown handler came to. */
export interface HandlerOutcome {
  readonly name: string;
  readonly ok: boolean;
  /** `timed_out`: it was not done within its limit, and is no longer waited for. */
  readonly reason: 'done' | 'failed' | 'timed_out';
  /** What it threw; null: nothing. */
  readonly error: unknown;
  /** How long it took. Milliseconds. */
  readonly ms: number;
}

const HANDLER_TIMEOUT = 5000;

interface Registered {
  readonly handler: ShutdownHandler;
  readonly name: string;
  readonly timeout: number;
  /** It ends what the program is: run when the program ends, not when its handlers are called for. */
  readonly isLast: boolean;
}

/**
 * What is to be done at the end, the newest first, each on its own: one that throws or hangs takes nothing from the
 * others. Each is run once. One added while others run is run next.
 */
export class ShutdownStack {
  #handlers: Registered[] = [];
  #running: Promise<readonly HandlerOutcome[]> | null = null;
  /** Handlers that were called for before the end. */
  #early: Promise<readonly HandlerOutcome[]> | null = null;

  get size(): number {
    return this.#handlers.length;
  }
  /** Without what ends with the program alone. */
  get handlers(): number {
    return this.#handlers.filter(({ isLast }) => !isLast).length;
  }

  /** Returns what takes it back. Throws TypeError for something that is not a function. */
  add(handler: ShutdownHandler, options: HandlerOptions = {}, isLast = false): () => void {
    if (typeof handler !== 'function') throw new TypeError('a shutdown handler is a function');
    const name = options.name ?? (handler.name || `handler ${this.#handlers.length + 1}`);
    const registered = { handler, name, timeout: options.timeout ?? HANDLER_TIMEOUT, isLast };
    this.#handlers.push(registered);
    return () => {
      this.#handlers = this.#handlers.filter((each) => each !== registered);
    };
  }

  clear(): void {
    this.#handlers = [];
  }

  /**
   * Runs the handlers that have not been run; the program continues, with the names that it holds. A call while they run
   * gets the same outcomes. Never rejects.
   */
  executeHandlers(reason: ShutdownReason): Promise<readonly HandlerOutcome[]> {
    if (this.#running) return this.#running;
    this.#early ??= this.#runAll(reason, null, false).finally(() => {
      this.#early = null;
    });
    return this.#early;
  }

  /** Runs all that has not been run. A call while they run gets the same outcomes. `timeout`: of all together. Never rejects. */
  execute(reason: ShutdownReason, timeout: number | null = null): Promise<readonly HandlerOutcome[]> {
    this.#running ??= this.#runRest(reason, timeout).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** At the very end, where nothing can be waited for: what is asynchronous gets as far as its first `await`. */
  executeNow(reason: ShutdownReason): void {
    for (let next = this.#handlers.pop(); next !== undefined; next = this.#handlers.pop()) {
      allow(next.timeout);
      try {
        const result = next.handler(reason);
        if (result instanceof Promise) result.catch(() => undefined);
      } catch (error) {
        complain(next.name, error);
      }
    }
  }

  async #runRest(reason: ShutdownReason, timeout: number | null): Promise<readonly HandlerOutcome[]> {
    const before = this.#early ? await this.#early : [];
    return [...before, ...(await this.#runAll(reason, timeout, true))];
  }

  #next(isEnd: boolean): Registered | undefined {
    const at = this.#handlers.findLastIndex(({ isLast }) => isEnd || !isLast);
    return at < 0 ? undefined : this.#handlers.splice(at, 1)[0];
  }

  async #runAll(reason: ShutdownReason, timeout: number | null, isEnd: boolean): Promise<readonly HandlerOutcome[]> {
    const end = timeout === null ? Number.POSITIVE_INFINITY : performance.now() + timeout;
    const outcomes: HandlerOutcome[] = [];
    for (let next = this.#next(isEnd); next !== undefined; next = this.#next(isEnd)) {
      const limit = Math.max(0, Math.min(next.timeout, end - performance.now()));
      outcomes.push(await runOne(next, reason, limit));
    }
    return outcomes;
  }
}

async function runOne({ handler, name }: Registered, reason: ShutdownReason, limit: number): Promise<HandlerOutcome> {
  allow(limit);
  const began = performance.now();
  const outcome = (ok: boolean, why: HandlerOutcome['reason'], error: unknown = null): HandlerOutcome => {
    if (!ok) complain(name, why === 'timed_out' ? new Error(`not done within ${Math.round(limit)} ms`) : error);
    return { name, ok, reason: why, error, ms: Math.round(performance.now() - began) };
  };
  let timer: Timer | undefined;
  // Not unref'd: at a normal end a handler that hangs would otherwise end the program before the others are run.
  const late = new Promise<'late'>((resolve) => {
    timer = after(limit, () => resolve('late'));
  });
  try {
    const work = Promise.resolve(handler(reason));
    work.catch(() => undefined); // when it fails after its time is over
    return (await Promise.race([work, late])) === 'late' ? outcome(false, 'timed_out') : outcome(true, 'done');
  } catch (error) {
    return outcome(false, 'failed', error);
  } finally {
    timer?.cancel();
  }
}

function complain(name: string, error: unknown): void {
  report(`reeve: shutdown handler ${name}: ${stackOf(error)}`);
}
