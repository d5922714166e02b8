import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { formatIndexEntry, indexName, type LogStream, segmentName } from '@reeve/contract';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TestKeeper } from '../../../../test/harness/keeper.ts';
import { until } from '../../../../test/harness/until.ts';
import { type FollowLogOptions, followLog } from './follow-log.ts';
import { logEnd } from './log-end.ts';
import type { LogLine } from './log-line.ts';
import { interleaveLogs } from './merge-logs.ts';
import { readLog } from './read-log.ts';
import { waitForLine } from './wait-for-line.ts';

/** A follower that collects what it sees until it is stopped. */
class Collector {
  readonly lines: LogLine[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(options: Omit<FollowLogOptions, 'signal'>) {
    this.#done = this.#collect(options);
  }
  get texts(): readonly string[] {
    return this.lines.map(({ line }) => line);
  }
  has(count: number): Promise<true> {
    return until(`${count} lines are seen`, () => this.lines.length >= count);
  }
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
  async #collect(options: Omit<FollowLogOptions, 'signal'>): Promise<void> {
    for await (const line of followLog({ ...options, signal: this.#stop.signal })) this.lines.push(line);
  }
}

describe('on files', () => {
  let folder: string;
  let seq = 0;
  beforeEach(() => {
    folder = path.join(mkdtempSync(path.join(tmpdir(), 'reeve-follow-')), 'logs', 'x');
  });
  afterEach(() => rmSync(path.dirname(path.dirname(folder)), { recursive: true }));

  const put = (
    text: string,
    { stream = 'out', number = 1, run = 'run' }: { stream?: LogStream; number?: number; run?: string } = {},
  ) => {
    mkdirSync(folder, { recursive: true });
    const log = path.join(folder, segmentName(stream, number));
    const offset = existsSync(log) ? statSync(log).size : 0;
    seq += 1;
    appendFileSync(path.join(folder, indexName(stream, number)), formatIndexEntry({ at: seq, offset, seq, run }));
    appendFileSync(log, text);
  };

  test('a folder that comes later is found', async () => {
    const seen = new Collector({ folder, from: await logEnd(folder) });
    mkdirSync(path.dirname(folder));
    put('one\n');
    put('two\n', { stream: 'err' });
    await seen.has(2);
    expect([...seen.texts].sort()).toEqual(['one', 'two']);
    await seen.stop();
  });

  test('what was there before is not shown; a line that was begun is shown whole', async () => {
    put('old\nbeg');
    const seen = new Collector({ folder, from: await logEnd(folder) });
    put('un\nnew\n');
    await seen.has(2);
    expect(seen.texts).toEqual(['begun', 'new']);
    await seen.stop();
  });

  test('reading up to an end and following from there shows every line once, in one order', async () => {
    put('a\nb\nc');
    const end = await logEnd(folder);
    const before: LogLine[] = [];
    for await (const line of readLog({ folder, end })) before.push(line);
    const seen = new Collector({ folder, from: end });
    put('c\nd\n');
    await seen.has(2);
    const all = [...before, ...seen.lines];
    expect(all.map(({ line }) => line)).toEqual(['a', 'b', 'cc', 'd']);
    expect(all.map((line) => line.seq)).toEqual([...new Set(all.map((line) => line.seq))].sort((x, y) => x - y));
    await seen.stop();
  });

  test('a line without an end is held, and shown after two seconds', async () => {
    put('');
    const seen = new Collector({ folder, from: await logEnd(folder) });
    put('first\nprompt> ');
    await seen.has(1);
    expect(seen.texts).toEqual(['first']);
    await seen.has(2);
    put('answer\n');
    await seen.has(3);
    expect(seen.texts).toEqual(['first', 'prompt> ', 'answer']);
    await seen.stop();
  });

  test('segments that were compressed or removed meanwhile are passed in order', async () => {
    put('one\n');
    const from = await logEnd(folder);
    put('two\n');
    put('three\n', { number: 2 });
    put('gone\n', { number: 3 });
    put('five\n', { number: 4 });
    const second = path.join(folder, segmentName('out', 2));
    writeFileSync(`${second}.tmp`, gzipSync(readFileSync(second)));
    renameSync(`${second}.tmp`, `${second}.gz`);
    rmSync(second);
    rmSync(path.join(folder, segmentName('out', 3)));
    const seen = new Collector({ folder, from });
    await seen.has(3);
    expect(seen.texts).toEqual(['two', 'three', 'five']);
    await seen.stop();
  });

  test('a folder that is emptied and begun anew is followed on', async () => {
    put('one\n', { number: 7 });
    const seen = new Collector({ folder, from: await logEnd(folder) });
    put('two\n', { number: 7 });
    await seen.has(1);
    rmSync(folder, { recursive: true });
    put('three\n', { number: 1 });
    await seen.has(2);
    expect(seen.texts).toEqual(['two', 'three']);
    await seen.stop();
  });

  test('U10: a file that is cut is followed from its new start', async () => {
    put('one\ntwo\n');
    const seen = new Collector({ folder, from: await logEnd(folder) });
    put('three\n');
    await seen.has(1);
    writeFileSync(path.join(folder, segmentName('out', 1)), 'four\n');
    await seen.has(2);
    expect(seen.texts).toEqual(['three', 'four']);
    await seen.stop();
  });

  test('U6: several logs are in order of time, even if one comes late; each in its own order', async () => {
    async function* log(name: string, ...times: number[]) {
      for (const at of times) yield { at, line: `${name}${at}` };
    }
    async function* late() {
      await pause(5);
      yield { at: 2, line: 'late2' };
    }
    const seen: string[] = [];
    for await (const { line } of interleaveLogs([log('a', 1, 3, 9, 7), log('b', 4), late()])) seen.push(line);
    expect(seen).toEqual(['a1', 'late2', 'a3', 'b4', 'a9', 'a7']);
  });

  test('several logs are followed at once', async () => {
    const stop = new AbortController();
    const from = await logEnd(folder);
    const sources = ['a', 'b'].map((name) => followLog({ folder: path.join(folder, name), from, signal: stop.signal }));
    const lines = interleaveLogs(sources);
    const next = lines.next();
    for (const name of ['a', 'b']) {
      mkdirSync(path.join(folder, name), { recursive: true });
      writeFileSync(path.join(folder, name, segmentName('out', 1)), `${name}\n`);
    }
    const seen = [(await next).value?.line, (await lines.next()).value?.line];
    expect(seen.sort()).toEqual(['a', 'b']);
    stop.abort();
    expect((await lines.next()).done).toBe(true);
  });
});

describe('with a keeper', () => {
  let keeper: TestKeeper;
  beforeAll(async () => {
    keeper = await TestKeeper.start();
  });
  afterAll(() => keeper[Symbol.asyncDispose]());
  const count = (lines: number) => `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo "line $i"; done`;

  test('every line of 20 000 is seen once, in order, over rotation and a restart of the service', async () => {
    const id = 'aaaaaaaaaaaa';
    const logs = {
      folder: keeper.folder(id),
      rotation: { max_size: 32_768, max_files: 100, max_age: null, compress: true },
    };
    const seen = new Collector({ folder: keeper.folder(id), from: await logEnd(keeper.folder(id)) });
    await keeper.run(['sh', '-c', count(10_000)], { id, logs });
    await keeper.run(['sh', '-c', count(10_000)], { id, logs });
    await seen.has(20_000);
    const once = Array.from({ length: 10_000 }, (_, n) => `line ${n + 1}`);
    expect(seen.texts).toEqual([...once, ...once]);
    await seen.stop();
  });

  test('a line that is waited for: written before, written later, by another run, never', async () => {
    const id = 'bbbbbbbbbbbb';
    const folder = keeper.folder(id);
    const { signal } = new AbortController();
    await keeper.run(['echo', 'listening on 1'], { id });
    const fifo = path.join(keeper.home, 'wait');
    const script = `mkfifo ${fifo}; printf '\\033[32mready\\033[0m to go\\n'; read x < ${fifo}; printf 'loading\\rlistening on 2\\rnext\\n' >&2; sleep 1000`;
    const { run } = await keeper.spawn(['sh', '-c', script], { id });
    expect(await waitForLine({ folder, run, pattern: /^ready to/, signal })).toBe('ready to go');
    expect(await waitForLine({ folder, run, pattern: /^ready to/g, signal })).toBe('ready to go');
    const later = waitForLine({ folder, run, pattern: /^listening on \d/, signal });
    writeFileSync(fifo, 'x\n');
    expect(await later).toBe('listening on 2');
    const stop = new AbortController();
    const never = waitForLine({ folder, run, pattern: /listening on 1/, signal: stop.signal });
    stop.abort();
    expect(await never).toBeNull();
  });

  test('a wait that begins before the run does', async () => {
    const request = keeper.request(['echo', 'here I am']);
    const wait = waitForLine({
      folder: keeper.folder(request.id),
      run: request.run,
      pattern: /here/,
      signal: new AbortController().signal,
    });
    await keeper.link.spawn(request);
    expect(await wait).toBe('here I am');
  });
});
