import { expect, test } from 'vitest';
import type { StoredEvent } from '../registry.ts';
import { chainOf } from './causes.ts';

const event = (seq: number, cause: number | null): StoredEvent => ({
  seq,
  cause,
  at: 0,
  folder: '/p',
  project: 'p',
  service: 's',
  instance: 0,
  run: null,
  event: 'e',
  message: '',
  data: {},
});
const chain = (all: readonly StoredEvent[], from: number) =>
  chainOf(all.find((e) => e.seq === from) ?? null, (seq) => all.find((e) => e.seq === seq) ?? null).map((e) => e.seq);

test('the causes are listed from the first to the event', () => {
  expect(chain([event(1, null), event(2, null), event(3, 1), event(5, 3)], 5)).toEqual([1, 3, 5]);
});
test('what is forgotten is where it begins', () => {
  expect(chain([event(3, 1), event(5, 3)], 5)).toEqual([3, 5]);
  expect(chain([], 5)).toEqual([]);
});
test('a damaged record leads nowhere twice', () => {
  expect(chain([event(3, 5), event(5, 3)], 5)).toEqual([3, 5]);
});
