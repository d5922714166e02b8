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

/** Lines of logs that go on, as they come. Ends when all have ended; an error of one ends all. */
export async function* interleaveLogs<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
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
      yield next.value;
    }
  } finally {
    for (const n of waiting.keys()) void walks[n]?.return?.();
  }
}
