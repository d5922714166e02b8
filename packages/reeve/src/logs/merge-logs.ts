import { pause } from '@reeve/host';

/** Merges logs that end, by time. Lines of one source stay in their order, even if its clock went backwards. */
export async function* mergeLogs<T extends { readonly at: number }>(
  sources: readonly AsyncIterable<T>[],
): AsyncGenerator<T> {
  const walks = sources.map((source) => source[Symbol.asyncIterator]());
  const heads = await Promise.all(walks.map((walk) => walk.next()));
  for (;;) {
    let earliest = -1;
    for (const [n, head] of heads.entries()) {
      const best = heads[earliest];
      if (head.done !== true && (best === undefined || head.value.at < best.value.at)) earliest = n;
    }
    const [head, walk] = [heads[earliest], walks[earliest]];
    if (head === undefined || walk === undefined) return;
    yield head.value;
    heads[earliest] = await walk.next();
  }
}

/** Of several logs a line is held back so long (ms), longer than its way here: others may still have an older one. */
const HOLD = 60;
/** Held lines are looked through so often (ms) at most. */
const STEP = 10;

interface Held<T> {
  readonly line: T;
  /** Never earlier than that of the line before it in its log. */
  readonly at: number;
  /** When it is shown at the latest, by performance.now(). */
  readonly due: number;
}

/**
 * Lines of logs that still grow, in order of time; lines of one log stay in their order. Ends when all have ended; an error of
 * one ends all.
 */
export async function* interleaveLogs<T extends { readonly at: number }>(
  sources: readonly AsyncIterable<T>[],
): AsyncGenerator<T> {
  if (sources.length < 2) {
    for (const source of sources) yield* source;
    return;
  }
  let held: Held<T>[] = [];
  const latest = new Map<number, number>();
  const arrivals = inTurn(sources);
  let next = arrivals.next();
  try {
    for (;;) {
      const due = held[0]?.due ?? null;
      const arrived = await within(next, due === null ? null : due - performance.now());
      if (arrived?.done === true) break;
      if (arrived !== null) {
        held.push(heldLine(arrived.value, latest));
        next = arrivals.next();
      }
      const now = performance.now();
      if ((held[0]?.due ?? Number.POSITIVE_INFINITY) > now) continue;
      const limit = held.reduce((newest, one) => (one.due <= now ? Math.max(newest, one.at) : newest), -Infinity);
      const shown = held.filter(({ at }) => at <= limit);
      held = held.filter(({ at }) => at > limit);
      yield* byTime(shown);
    }
    yield* byTime(held);
  } finally {
    next.catch(() => undefined); // it was thrown already, or comes too late to matter
    void arrivals.return(undefined);
  }
}

function heldLine<T extends { readonly at: number }>(
  { n, line }: { readonly n: number; readonly line: T },
  latest: Map<number, number>,
): Held<T> {
  const at = Math.max(line.at, latest.get(n) ?? line.at);
  latest.set(n, at);
  return { line, at, due: Math.ceil((performance.now() + HOLD) / STEP) * STEP };
}

function byTime<T>(held: readonly Held<T>[]): readonly T[] {
  return [...held].sort((a, b) => a.at - b.at).map(({ line }) => line);
}

/** `null`: `ms` have passed; no limit if that is null. */
async function within<T>(promise: Promise<T>, ms: number | null): Promise<T | null> {
  if (ms === null) return promise;
  const raced = new AbortController();
  try {
    return await Promise.race([promise, pause(ms, raced.signal).then(() => null)]);
  } finally {
    raced.abort();
  }
}

/** What comes, with the number of its source. */
async function* inTurn<T>(
  sources: readonly AsyncIterable<T>[],
): AsyncGenerator<{ readonly n: number; readonly line: T }> {
  const walks = sources.map((source) => source[Symbol.asyncIterator]());
  const step = async (n: number) => ({ n, next: await walks[n]?.next() });
  const waiting = new Map(walks.map((_, n) => [n, step(n)]));
  try {
    while (waiting.size > 0) {
      const { n, next } = await Promise.race(waiting.values());
      if (next === undefined || next.done === true) {
        waiting.delete(n);
        continue;
      }
      waiting.set(n, step(n));
      yield { n, line: next.value };
    }
  } finally {
    for (const n of waiting.keys()) void walks[n]?.return?.();
  }
}
