/** More than this many in a minute are counted only: a log must not be filled by one fault that repeats. */
const TOLD = 20;
const MINUTE = 60_000;

/**
 * For a program that others depend on: an error that nothing has handled is reported and does not end it
 * (docs/decisions/0015). Returns how to undo it.
 */
export function surviveErrors(tell: (error: unknown, message: string) => void): () => void {
  let [since, count] = [performance.now(), 0];
  const survive = (error: unknown): void => {
    const now = performance.now();
    if (now - since > MINUTE) [since, count] = [now, 0];
    count += 1;
    try {
      if (count <= TOLD) tell(error, 'unhandled error; continuing');
      if (count === TOLD) tell(error, 'further errors of this kind are not logged for the rest of this minute');
    } catch {
      // To fail while a failure is being told must not make another one.
    }
  };
  process.on('uncaughtException', survive).on('unhandledRejection', survive);
  return () => void process.off('uncaughtException', survive).off('unhandledRejection', survive);
}
