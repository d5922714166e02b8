import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks again and again for a fact of the world that no event announces (a process is gone, a port is free), and
 * returns the first answer that is neither false, null nor undefined. Throws after `limit` milliseconds, saying what
 * was waited for. Where an event exists, wait for the event instead. It asks at most half of the time: what answers, a
 * command perhaps, needs the processor as much as what is waited for.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  limit = 60_000,
): Promise<Exclude<T, false | null | undefined>> {
  const end = performance.now() + limit;
  for (;;) {
    const asked = performance.now();
    const answer = await ask();
    if (answer !== false && answer !== null && answer !== undefined) {
      return answer as Exclude<T, false | null | undefined>;
    }
    if (performance.now() > end) throw new Error(`waited ${limit} ms in vain until ${what}`);
    await pause(Math.max(20, performance.now() - asked));
  }
}
