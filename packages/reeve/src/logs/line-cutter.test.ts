import { type IndexEntry, LINE_LIMIT } from '@reeve/contract';
import { expect, test } from 'vitest';
import { LineCutter } from './line-cutter.ts';

const entry = (seq: number, run = 'r'): IndexEntry => ({ at: seq * 1000, offset: 0, seq, run });
const bytes = (text: string) => Buffer.from(text);
const texts = (lines: readonly { line: string }[]) => lines.map(({ line }) => line);

test('a line has the time and the order of its first byte', () => {
  const cutter = new LineCutter('out');
  expect(cutter.push(bytes('one\ntw'), entry(1))).toEqual([
    { at: 1000, seq: 2 ** 20, run: 'r', stream: 'out', line: 'one', ended: true },
  ]);
  const [two, three] = cutter.push(bytes('o\nthree\n'), entry(2));
  expect(two).toMatchObject({ at: 1000, seq: 2 ** 20 + 1, line: 'two' });
  expect(three).toMatchObject({ at: 2000, seq: 2 * 2 ** 20, line: 'three' });
});

test('empty lines are lines, and the last one may lack its newline', () => {
  const cutter = new LineCutter('err');
  expect(texts(cutter.push(bytes('\n\na\n\nb'), entry(1)))).toEqual(['', '', 'a', '']);
  expect(cutter.isOpen).toBe(true);
  expect(texts(cutter.flush())).toEqual(['b']);
  expect(cutter.flush()).toEqual([]);
});

test('the buffer of a begun line may be used again for its rest', () => {
  const cutter = new LineCutter('out');
  const buffer = bytes('ready');
  cutter.push(buffer, entry(1));
  buffer.write('\n');
  expect(texts(cutter.push(buffer.subarray(0, 1), entry(1)))).toEqual(['ready']);
});

test('another run begins another line', () => {
  const cutter = new LineCutter('out');
  cutter.push(bytes('unfinished'), entry(1, 'first'));
  const lines = cutter.push(bytes('next\n'), entry(2, 'second'));
  expect(lines.map(({ run, line }) => [run, line])).toEqual([
    ['first', 'unfinished'],
    ['second', 'next'],
  ]);
});

test('a line that is too long comes in pieces, however it was chunked, and no character is torn', () => {
  const long = '🐻'.repeat(LINE_LIMIT);
  for (const step of [1000, LINE_LIMIT, 70_001]) {
    const cutter = new LineCutter('out');
    const whole = bytes(`a${long}\nend\n`);
    const lines: string[] = [];
    for (let at = 0; at < whole.length; at += step)
      lines.push(...texts(cutter.push(whole.subarray(at, at + step), entry(1))));
    expect(lines.at(-1)).toBe('end');
    expect(lines.slice(0, -1).join('')).toBe(`a${long}`);
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LINE_LIMIT);
    expect(lines.length).toBe(6);
  }
});

test('bytes that are not UTF-8 do no harm', () => {
  const cutter = new LineCutter('out');
  expect(cutter.push(Buffer.alloc(LINE_LIMIT * 2 + 1, 0x80), entry(1))).toHaveLength(2);
});

test('of an entry that is not wanted nothing is shown, not even the end of its last line', () => {
  const cutter = new LineCutter('out', { wanted: ({ seq }) => seq !== 2 });
  expect(texts(cutter.push(bytes('a\nb'), entry(1)))).toEqual(['a']);
  expect(texts(cutter.push(bytes('b\nhidden\nhid'), entry(2)))).toEqual(['bb']);
  expect(texts(cutter.push(bytes('den\nc\n'), entry(3)))).toEqual(['c']);
});

test('reading that begins in the middle of a line begins with the next one', () => {
  const cutter = new LineCutter('out', { torn: true });
  expect(texts(cutter.push(bytes('rest'), entry(1)))).toEqual([]);
  expect(texts(cutter.push(bytes('\nwhole\n'), entry(1)))).toEqual(['whole']);
});

test('U31: bytes are kept as they are, and it is known where a newline follows', () => {
  const cutter = new LineCutter('out', { raw: true });
  const whole = Buffer.concat([Buffer.alloc(LINE_LIMIT + 5, 0xff), bytes('\n\x80\r\n\nend')]);
  const lines = [...cutter.push(whole, entry(1)), ...cutter.flush()];
  const back = lines.flatMap(({ bytes: own, ended }) => [own ?? bytes(''), bytes(ended ? '\n' : '')]);
  expect(Buffer.concat(back).equals(whole)).toBe(true);
  expect(lines.map(({ ended }) => ended)).toEqual([false, true, true, true, false]);
});

test('U37: where output is missing the open line ends, and the place is a line of its own', () => {
  const cutter = new LineCutter('out');
  cutter.push(bytes('begun'), entry(1));
  const lost = { bytes: 7, why: 'full' };
  expect(cutter.push(bytes(''), { ...entry(2), lost })).toMatchObject([
    { line: 'begun', ended: false },
    { line: '', lost, at: 2000 },
  ]);
  expect(texts(cutter.push(bytes('next\n'), entry(3)))).toEqual(['next']);
});
