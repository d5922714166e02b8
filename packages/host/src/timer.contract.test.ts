import { expect, test } from 'vitest';
import { after, pause } from './timer.ts';

const DAY = 86_400_000;

test('D2: a wait of over 24.8 days is not over at once', async () => {
  const rung: string[] = [];
  const timers = [30, 60, 100].map((days) => after(days * DAY, () => rung.push(`${days} days`)).unref());
  await new Promise<void>((resolve) => after(30, () => resolve()));
  expect(rung).toEqual([]);
  for (const timer of timers) timer.cancel();
});

test('a timer rings once, in the order of its length, and not when it is cancelled', async () => {
  const rung: number[] = [];
  after(1, () => rung.push(1)).cancel();
  after(2, () => rung.push(2));
  await new Promise<void>((resolve) => after(20, () => resolve()));
  expect(rung).toEqual([2]);
});

test('a pause says whether it was over or was aborted', async () => {
  const aborter = new AbortController();
  const long = pause(100 * DAY, aborter.signal);
  expect(await pause(1, aborter.signal)).toBe(true);
  aborter.abort();
  expect(await long).toBe(false);
  expect(await pause(1, aborter.signal)).toBe(false);
});
