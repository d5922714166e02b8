import { after } from '@reeve/host';
import { BEAT, type Beat } from './beat.ts';

/** Shorter stops are not worth a word. Milliseconds. */
const LIMIT = 200;
/** Time for the other program to say what it has seen, which is more exact. Milliseconds. */
const PATIENCE = 300;

/**
 * A process cannot see that it is stopped (SIGSTOP, Ctrl-Z), but it hears SIGCONT: calls back with the longest time that
 * it can have been stopped, in milliseconds. Returns how to end it.
 */
export function onContinued(beat: Beat, call: (most: number) => void): () => void {
  let ran = performance.now();
  const leaveBeat = beat.every(BEAT, () => {
    ran = performance.now();
  });
  const heard = (): void => {
    const most = performance.now() - ran;
    ran = performance.now();
    if (most > LIMIT) after(PATIENCE, () => call(most)).unref();
  };
  process.on('SIGCONT', heard);
  return () => {
    leaveBeat();
    process.off('SIGCONT', heard);
  };
}
