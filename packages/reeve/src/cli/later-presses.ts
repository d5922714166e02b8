import { type Context, say } from './context.ts';
import { Interrupted, type Interrupts } from './interrupts.ts';

/** A terminal and npm both hand a Ctrl-C on: what comes this soon after one is the same. Milliseconds. */
const SAME_PRESS = 100;

/** While a stop that a Ctrl-C has asked for is under way: the second press is answered, the third leaves the rest to the daemon. */
export function leftByThirdPress(context: Context, interrupts: Interrupts): AbortSignal {
  const give = new AbortController();
  let presses = 1;
  let last = performance.now();
  interrupts.onAgain((by) => {
    const now = performance.now();
    if (now - last < SAME_PRESS) return;
    last = now;
    presses++;
    if (presses > 2) give.abort(new Interrupted(by));
    else
      say(context, 'still stopping. Ctrl-C again detaches, and the daemon finishes; reeve stop --force kills at once');
  });
  return give.signal;
}
