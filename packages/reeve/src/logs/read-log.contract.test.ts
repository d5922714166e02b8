import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { formatIndexEntry, formatIndexMark, indexName, LINE_LIMIT, type LogStream, segmentName } from '@reeve/contract';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { logEnd } from './log-end.ts';
import { mergeLogs } from './merge-logs.ts';
import { type ReadLogOptions, readLog } from './read-log.ts';
import { logPaths } from './segments.ts';

let folder: string;
beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'reeve-logs-')), 'log');
});
afterEach(() => rmSync(path.dirname(folder), { recursive: true }));

/** A stretch of output: the text, and the entry before it. */
interface Put {
  readonly stream: LogStream;
  readonly number: number;
  readonly at: number;
  readonly seq: number;
  readonly run?: string;
  readonly text: string;
}
function put({ stream, number, at, seq, run = 'run', text }: Put): void {
  mkdirSync(folder, { recursive: true });
  const log = path.join(folder, segmentName(stream, number));
  appendFileSync(log, '');
  const offset = readFileSync(log).length;
  appendFileSync(path.join(folder, indexName(stream, number)), formatIndexEntry({ at, offset, seq, run }));
  appendFileSync(log, text);
}
function compress(stream: LogStream, number: number, keepPlain = false): void {
  const log = path.join(folder, segmentName(stream, number));
  writeFileSync(`${log}.gz`, gzipSync(readFileSync(log)));
  if (!keepPlain) rmSync(log);
}
async function fromAsync<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}
async function read(options: Partial<ReadLogOptions> = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const { line } of readLog({ folder, ...options })) lines.push(line);
  return lines;
}

test('a folder that does not exist is an empty log', async () => {
  expect(await read()).toEqual([]);
  expect(await read({ newest: 5 })).toEqual([]);
  expect(await logPaths(folder)).toEqual([]);
});

describe('a log of both streams, several runs and segments, one of them compressed', () => {
  const all = ['a1', 'a2', 'e1', 'b1', 'b2', 'E2', 'c1', 'c2', 'last'];
  beforeEach(() => {
    put({ stream: 'out', number: 1, at: 1000, seq: 1, run: 'one', text: 'a1\na2\n' });
    put({ stream: 'err', number: 1, at: 1500, seq: 2, run: 'one', text: 'e1\n' });
    put({ stream: 'out', number: 1, at: 2000, seq: 3, run: 'one', text: 'b1\nb' });
    put({ stream: 'out', number: 1, at: 2600, seq: 4, run: 'one', text: '2\n' });
    put({ stream: 'err', number: 1, at: 3000, seq: 5, run: 'two', text: 'E2\n' });
    put({ stream: 'out', number: 2, at: 4000, seq: 6, run: 'two', text: 'c1\n' });
    put({ stream: 'out', number: 2, at: 5000, seq: 7, run: 'two', text: 'c2\nlast' });
    compress('out', 1);
  });

  test('is read in the order of arrival, with the partial last line', async () => {
    expect(await read()).toEqual(all);
  });

  test('by stream, run and time', async () => {
    expect(await read({ stream: 'err' })).toEqual(['e1', 'E2']);
    expect(await read({ run: 'two' })).toEqual(['E2', 'c1', 'c2', 'last']);
    expect(await read({ since: 2000, until: 4000 })).toEqual(['b1', 'b2', 'E2', 'c1']);
    expect(await read({ since: 2600 })).toEqual(['E2', 'c1', 'c2', 'last']);
    expect(await read({ since: 9000 })).toEqual([]);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100])('the newest %d', async (newest) => {
    expect(await read({ newest })).toEqual(newest === 0 ? [] : all.slice(-newest));
    expect(await read({ newest, run: 'one' })).toEqual(newest === 0 ? [] : all.slice(0, 5).slice(-newest));
    expect(await read({ newest, stream: 'err' })).toEqual(newest === 0 ? [] : ['e1', 'E2'].slice(-newest));
  });

  test('up to where it ended when asked, without the line that was not whole then', async () => {
    const end = await logEnd(folder);
    put({ stream: 'out', number: 2, at: 6000, seq: 8, run: 'two', text: ' but not least\nmore\n' });
    expect(await read({ end })).toEqual(all.slice(0, -1));
    expect(await read({ end, newest: 2 })).toEqual(all.slice(-3, -1));
  });

  test('lines carry their place, run and time', async () => {
    const lines = await fromAsync(readLog({ folder }));
    expect(lines[0]).toEqual({ at: 1000, seq: 2 ** 20, run: 'one', stream: 'out', line: 'a1', ended: true });
    expect(lines.at(-1)).toMatchObject({ at: 5000, run: 'two' });
    const seqs = lines.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  });

  test('its files, oldest first; while one is being compressed it is read and named once', async () => {
    put({ stream: 'err', number: 2, at: 6000, seq: 8, text: 'x\n' });
    compress('err', 1, true);
    const names = (await logPaths(folder)).map((file) => path.basename(file));
    expect(names).toEqual(['out.000001.log.gz', 'err.000001.log', 'out.000002.log', 'err.000002.log']);
    expect((await read()).filter((line) => line === 'e1')).toHaveLength(1);
  });
});

test('LG11: a clock that goes back does not change the order', async () => {
  put({ stream: 'out', number: 1, at: 9000, seq: 1, text: 'first\n' });
  put({ stream: 'err', number: 1, at: 2000, seq: 2, text: 'second\n' });
  put({ stream: 'out', number: 1, at: 3000, seq: 3, text: 'third\n' });
  expect(await read()).toEqual(['first', 'second', 'third']);
});

test('torn and missing indexes cost the times, not the lines', async () => {
  put({ stream: 'out', number: 1, at: 1000, seq: 1, text: 'a\n' });
  put({ stream: 'out', number: 1, at: 2000, seq: 2, text: 'b\n' });
  appendFileSync(path.join(folder, indexName('out', 1)), '3000 4');
  appendFileSync(path.join(folder, segmentName('out', 1)), 'c\n');
  writeFileSync(path.join(folder, segmentName('err', 1)), 'no index\n');
  expect(await read({ stream: 'out' })).toEqual(['a', 'b', 'c']);
  expect(await read({ stream: 'err', newest: 3 })).toEqual(['no index']);
});

test('the newest lines are found without reading what is older', async () => {
  for (let seq = 1; seq <= 50; seq += 1) put({ stream: 'out', number: 1, at: seq * 1000, seq, text: `line ${seq}\n` });
  const log = path.join(folder, segmentName('out', 1));
  const bytes = readFileSync(log);
  const hidden = bytes.indexOf('line 40\n');
  writeFileSync(log, Buffer.concat([Buffer.alloc(hidden, 'x'), bytes.subarray(hidden)])); // older lines are gone: one long line now
  expect(await read({ newest: 5 })).toEqual([46, 47, 48, 49, 50].map((n) => `line ${n}`));
});

test('a huge line without an end is shown in pieces, and the newest of them quickly', async () => {
  for (let seq = 1; seq <= 20; seq += 1) put({ stream: 'out', number: 1, at: seq, seq, text: 'x'.repeat(1 << 20) });
  const pieces = await read();
  expect(pieces.join('')).toHaveLength(20 << 20);
  expect(Math.max(...pieces.map((piece) => piece.length))).toBe(LINE_LIMIT);
  const newest = await read({ newest: 3 });
  expect(newest.length).toBeLessThanOrEqual(3);
});

test('several logs are merged by time, each in its own order', async () => {
  async function* log(name: string, ...times: number[]) {
    for (const at of times) yield { at, name };
  }
  const merged = await fromAsync(mergeLogs([log('a', 1, 5, 3), log('b', 2, 4), log('c')]));
  expect(merged.map(({ at, name }) => `${name}${at}`)).toEqual(['a1', 'b2', 'b4', 'a5', 'a3']);
});

describe('U6: marks within an entry', () => {
  beforeEach(() => {
    put({ stream: 'out', number: 1, at: 1000, seq: 1, text: 'a\nb\nc\nd\n' });
    const index = path.join(folder, indexName('out', 1));
    for (const [ms, bytes] of [
      [100, 2],
      [200, 4],
      [300, 6],
    ] as const)
      appendFileSync(index, formatIndexMark(ms, bytes));
    put({ stream: 'out', number: 1, at: 2000, seq: 2, text: 'e\n' });
  });

  test('give each line its time, plain and compressed', async () => {
    const times = async () => (await fromAsync(readLog({ folder }))).map(({ at, line }) => `${line}${at}`);
    const expected = ['a1000', 'b1100', 'c1200', 'd1300', 'e2000'];
    expect(await times()).toEqual(expected);
    compress('out', 1);
    expect(await times()).toEqual(expected);
  });

  test.each([false, true])('bound a window on time, and the newest of it (compressed: %s)', async (compressed) => {
    if (compressed) compress('out', 1);
    expect(await read({ since: 1100, until: 1200 })).toEqual(['b', 'c']);
    expect(await read({ since: 1200 })).toEqual(['c', 'd', 'e']);
    for (const newest of [1, 2, 3, 4]) {
      expect(await read({ until: 1200, newest })).toEqual(['a', 'b', 'c'].slice(-newest));
      expect(await read({ since: 1100, newest })).toEqual(['b', 'c', 'd', 'e'].slice(-newest));
    }
  });
});

describe('U10: the file is not what the index says', () => {
  beforeEach(() => {
    put({ stream: 'out', number: 1, at: 1000, seq: 1, text: 'one\n' });
    put({ stream: 'out', number: 1, at: 2000, seq: 2, text: 'two\n' });
    put({ stream: 'out', number: 2, at: 3000, seq: 3, text: 'three\n' });
  });
  const file = (number: number) => path.join(folder, segmentName('out', number));

  test.each(['', 'ne', 'x\n'])('it was cut and holds %j', async (text) => {
    writeFileSync(file(1), text);
    writeFileSync(file(2), '');
    const lines = text === '' ? [] : [text.trim()];
    for (const options of [{}, { newest: 5 }, { since: 2500 }, { newest: 5, since: 2500 }])
      expect(await read(options)).toEqual(lines);
    expect(await logEnd(folder)).toMatchObject({ out: { number: 2, offset: 0 } });
  });

  test('it was emptied, and holds less than the place of the newest entry', async () => {
    put({ stream: 'out', number: 2, at: 4000, seq: 4, text: 'four\n' });
    for (const [text, lines] of [
      ['', []],
      ['x\n', ['x']],
    ] as const) {
      writeFileSync(file(2), text);
      const end = await logEnd(folder);
      for (const options of [{ since: 3500 }, { newest: 5, since: 3500 }])
        expect(await read({ ...options, end })).toEqual(lines);
    }
  });

  test('it was removed, or its index was', async () => {
    rmSync(file(1));
    expect(await read()).toEqual(['three']);
    expect(await read({ newest: 5 })).toEqual(['three']);
    rmSync(path.join(folder, indexName('out', 2)));
    expect(await read({ since: 2500 })).toEqual(['three']);
  });

  test('it was replaced by what cannot be read: its place says so, the rest is read', async () => {
    compress('out', 1);
    for (const damage of [Buffer.from('no gzip'), readFileSync(`${file(1)}.gz`).subarray(0, 18)]) {
      writeFileSync(`${file(1)}.gz`, damage);
      for (const options of [{}, { newest: 5 }]) {
        const lines = await fromAsync(readLog({ folder, ...options }));
        expect(lines.at(-1)).toMatchObject({ line: 'three' });
        expect(lines.some(({ lost }) => lost?.why.includes('out.000001.log.gz'))).toBe(true);
      }
    }
    rmSync(`${file(1)}.gz`);
    mkdirSync(file(1));
    expect((await fromAsync(readLog({ folder }))).at(-1)).toMatchObject({ line: 'three' });
  });
});
