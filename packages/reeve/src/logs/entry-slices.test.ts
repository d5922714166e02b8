import { expect, test } from 'vitest';
import { entryAt, entrySlices } from './entry-slices.ts';

const entries = [0, 4, 4, 9].map((offset, n) => ({ at: n, offset, seq: n, run: 'r' }));

test('each byte goes to the entry that covers it; an entry may be empty', () => {
  const cut = (text: string, offset: number) =>
    entrySlices(Buffer.from(text), offset, entries).map(({ bytes, entry }) => [bytes.toString(), entry.seq]);
  expect(cut('abcdefghijkl', 0)).toEqual([
    ['abcd', 0],
    ['efghi', 2],
    ['jkl', 3],
  ]);
  expect(cut('cde', 2)).toEqual([
    ['cd', 0],
    ['e', 2],
  ]);
  expect(cut('xyz', 20)).toEqual([['xyz', 3]]);
  expect(cut('', 4)).toEqual([]);
});

test('the entry of an offset is the last one that begins there or before', () => {
  expect([0, 3, 4, 8, 9, 99].map((offset) => entryAt(entries, offset))).toEqual([0, 0, 2, 2, 3, 3]);
});

test('U37: missing output is a slice without bytes, once, before what came after it', () => {
  const lost = { bytes: 7, why: 'full' };
  const gap = [entries[0], { at: 1, offset: 4, seq: 1, run: 'r', lost }, { at: 2, offset: 4, seq: 2, run: 'r' }];
  const list = gap.filter((entry) => entry !== undefined);
  const cut = (text: string, offset: number) =>
    entrySlices(Buffer.from(text), offset, list).map(({ bytes, entry }) => `${entry.seq}${bytes.toString()}`);
  expect(cut('abcdef', 0)).toEqual(['0abcd', '1', '2ef']);
  expect(cut('ef', 4)).toEqual(['1', '2ef']);
  expect([...cut('abcd', 0), ...cut('e', 4), ...cut('f', 5)]).toEqual(['0abcd', '1', '2e', '2f']);
});
