/** Processor time of a run, at one look: both in clock ticks of this boot. */
export interface CpuSample {
  readonly at: number;
  readonly used: number;
}

/** Two looks that are closer than this tell nothing; older ones tell of another time. Ticks. */
const SHORTEST = 50;
const LONGEST = 6_000;

/** Percent of one processor: since the last look, where it was within the last minute, else since the run began. */
export function cpuPercent(now: CpuSample, before: CpuSample | null, startedAt: number): number | null {
  const isUsable = before !== null && now.at - before.at >= SHORTEST && now.at - before.at <= LONGEST;
  const from = isUsable && now.used >= before.used ? before : { at: startedAt, used: 0 };
  const elapsed = now.at - from.at;
  return elapsed > 0 ? Math.round((1000 * (now.used - from.used)) / elapsed) / 10 : null;
}

/** The sample that the next look is compared with: a newer one only when it is far enough from the last. */
export function nextSample(now: CpuSample, before: CpuSample | null): CpuSample {
  return before !== null && now.at - before.at < SHORTEST ? before : now;
}
