import { after, type Timer } from '@reeve/host';
/** Something that a service does beside its main work, until it is stopped. */
export interface Background {
  /** Asks it to end and resolves when it has. Never rejects: a failure was reported when it happened. */
  stop(): Promise<void>;
}
export type Failed = (error: unknown) => void;

/** Runs `work` at once. Its signal is aborted when it should end. */
export function startWorker(work: (signal: AbortSignal) => unknown, failed: Failed): Background {
  const controller = new AbortController();
  const done = (async () => {
    try {
      await work(controller.signal);
    } catch (error) {
      if (!isAnAbort(error, controller.signal)) failed(error);
    }
  })();
  return {
    stop: () => {
      controller.abort();
      return done;
    },
  };
}

/**
 * Runs `work` every `every` milliseconds, counted from the end of one run to the beginning of the next: never two at
 * once. A failure is reported, and the next run still comes. The timer keeps no program alive.
 */
export function startInterval(every: number, work: (signal: AbortSignal) => unknown, failed: Failed): Background {
  if (!(Number.isFinite(every) && every > 0))
    throw new RangeError(`an interval is a number of milliseconds above 0, not ${every}`);
  const controller = new AbortController();
  const { signal } = controller;
  let running = Promise.resolve();
  let timer: Timer;
  const run = async (): Promise<void> => {
    try {
      await work(signal);
    } catch (error) {
      if (!isAnAbort(error, signal)) failed(error);
    }
    if (!signal.aborted) arm();
  };
  const arm = (): void => {
    timer = after(every, () => {
      running = run();
    }).unref();
  };
  arm();
  return {
    stop: () => {
      timer.cancel();
      controller.abort();
      return running;
    },
  };
}

/** How most of what takes a signal ends when it is aborted: with its reason, or with Node's own error. */
function isAnAbort(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'));
}
