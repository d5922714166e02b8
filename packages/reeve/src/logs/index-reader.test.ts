import { formatIndexEntry, formatIndexMark } from '@reeve/contract';
import { expect, test } from 'vitest';
import { IndexReader } from './index-reader.ts';

const read = (...lines: readonly string[]) => {
  const reader = new IndexReader();
  for (const line of lines) reader.add(line);
  return reader.entries;
};
const entry = (at: number, offset: number, seq: number) => formatIndexEntry({ at, offset, seq, run: 'r' });

test('U6: marks divide an entry by time; they share its number and run', () => {
  expect(read(entry(1000, 50, 3), formatIndexMark(20, 7), formatIndexMark(45, 9), entry(1100, 90, 4))).toEqual([
    { at: 1000, offset: 50, seq: 3, run: 'r' },
    { at: 1020, offset: 57, seq: 3, run: 'r' },
    { at: 1045, offset: 59, seq: 3, run: 'r' },
    { at: 1100, offset: 90, seq: 4, run: 'r' },
  ]);
});

test('U37: missing output is an entry of its own, with its reason', () => {
  const lost = { bytes: 12, why: 'the disk was full' };
  const unknown = { bytes: null, why: 'removed' };
  const text = [lost, unknown].map((one, n) => formatIndexEntry({ at: 1, offset: n, seq: n, run: 'r', lost: one }));
  expect(read(...text)).toMatchObject([{ lost }, { lost: unknown }]);
});

test('U10: an offset that falls back makes void what the index said before', () => {
  expect(read(entry(1, 0, 1), entry(2, 50, 2), entry(3, 0, 3), formatIndexMark(5, 4)).map(({ at }) => at)).toEqual([
    3, 8,
  ]);
});

test('what is torn, foreign or of a later version is passed over', () => {
  expect(read('+5 7\n', '~new 1\n', '12 x\n', entry(1, 0, 1), '!1 2 3 r\n', '+x 1\n', entry(2, 9, 2))).toHaveLength(2);
});
