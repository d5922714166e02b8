/** Resolves with true after `length` milliseconds, with false as soon as it is aborted. */
export function pause(length: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (goesOn: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      resolve(goesOn);
    };
    const stop = (): void => done(false);
    const timer = setTimeout(done, length, true);
    signal.addEventListener('abort', stop, { once: true });
  });
}
