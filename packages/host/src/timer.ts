/** What one of Node's timers can count to (24.8 days); above it they fire at once. Milliseconds. */
const LONGEST = 2 ** 31 - 1;

export interface Timer {
  cancel(): void;
  /** It does not keep the program alive. */
  unref(): Timer;
}

/**
 * Calls back once so many milliseconds have passed, by the monotonic clock, however many they are. The only place that
 * arms a timer of Node's: a lint rule refuses `setTimeout` elsewhere.
 */
export function after(ms: number, call: () => void): Timer {
  const end = performance.now() + ms;
  let isKept = true;
  let timer: NodeJS.Timeout;
  const arm = (left: number): void => {
    timer = setTimeout(fire, Math.min(left, LONGEST));
    if (!isKept) timer.unref();
  };
  const fire = (): void => {
    const left = end - performance.now();
    // A timer may be some milliseconds early: only what was cut short is armed again.
    if (left > LONGEST / 1_000) arm(left);
    else call();
  };
  arm(ms);
  const self: Timer = {
    cancel: () => clearTimeout(timer),
    unref: () => {
      isKept = false;
      timer.unref();
      return self;
    },
  };
  return self;
}

/** Waits so many milliseconds. false: aborted before. */
export function pause(ms: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve(signal?.aborted !== true);
    };
    const timer = after(ms, done);
    signal?.addEventListener('abort', done);
  });
}

/** A signal that is aborted after so many milliseconds, with `no answer within 2 s` as its reason. */
export function deadlineIn(ms: number): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  // After a blocked loop the timer would be first although the answer lies ready: what has arrived is heard before it.
  const timer = after(ms, () => {
    setImmediate(() => controller.abort(new Error(`no answer within ${ms / 1000} s`)));
  });
  return { signal: controller.signal, clear: () => timer.cancel() };
}
