import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { parseSegmentName } from '@reeve/contract';
import { isSame } from '@reeve/host';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ROTATION, TestKeeper } from '../../../../test/harness/keeper.ts';
import { program } from '../../../../test/harness/program.ts';
import { until } from '../../../../test/harness/until.ts';
import { readLog } from '../logs/read-log.ts';

let keeper: TestKeeper;
beforeAll(async () => {
  keeper = await TestKeeper.start();
});
afterAll(() => keeper[Symbol.asyncDispose]());

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `line ${n + 1}\n`).join('');
const counter = (count: number, pause = '') =>
  `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "line $i"; ${pause} done`;
const withRotation = (id: string, rotation: Partial<typeof ROTATION>) => ({
  id,
  logs: { folder: keeper.folder(id), rotation: { ...ROTATION, ...rotation } },
});

test('everything is in the log before the end is reported, also a last line without a newline (LG15)', async () => {
  const { id } = await keeper.run(['sh', '-c', 'printf "one\\ntwo"; printf three >&2']);
  expect(keeper.log(id)).toBe('one\ntwo');
  expect(keeper.log(id, 'err')).toBe('three');
});

test('a line that a run leaves open does not swallow the first line of the next', async () => {
  const { id } = await keeper.run(['printf', 'unfinished']);
  await keeper.run(['printf', 'next\n'], { id });
  expect(keeper.log(id)).toBe('unfinished\nnext\n');
});

test('both streams are in one order, that of their arrival', async () => {
  const script = 'for i in 1 2 3; do echo out$i; sleep 0.06; echo err$i >&2; sleep 0.06; done';
  const { id, run } = await keeper.run(['sh', '-c', script]);
  const lines = [];
  for await (const line of readLog({ folder: keeper.folder(id) })) lines.push(line);
  expect(lines.map(({ line }) => line)).toEqual(['out1', 'err1', 'out2', 'err2', 'out3', 'err3']);
  expect(new Set(lines.map((line) => line.run))).toEqual(new Set([run]));
});

test('what a descendant writes after the main process has ended is copied until the run is released', async () => {
  const fifo = path.join(keeper.home, 'go');
  spawnSync('mkfifo', [fifo]);
  const { id, run } = await keeper.run(['sh', '-c', `(trap "" HUP; read x < ${fifo}; echo late) & echo main`]);
  expect(keeper.log(id)).toBe('main\n');
  writeFileSync(fifo, 'x\n');
  await until('the late line is there', () => keeper.log(id) === 'main\nlate\n');
  await keeper.link.release(run);
  expect(readdirSync(path.join(keeper.home, 'fifo')).filter((name) => name.includes(run))).toEqual([]);
  await until('it is reported', () =>
    keeper.records.some((record) => record.kind === 'released' && record.run === run),
  );
});

test('a run that is released while it lives goes when it ends, and nothing of it is lost', async () => {
  const { run, id } = await keeper.spawn(['sh', '-c', 'echo one; sleep 0.2; echo two']);
  await keeper.link.release(run);
  await keeper.ended(run);
  await until('it is released', () => keeper.records.at(-1)?.kind === 'released');
  expect(keeper.log(id)).toBe('one\ntwo\n');
  await keeper.link.release(run);
});

test('a closed stream is not an end (CB10)', async () => {
  const { run } = await keeper.spawn(['sh', '-c', 'exec >&- 2>&-; sleep 0.3; exit 7']);
  expect((await keeper.ended(run)).exit.code).toBe(7);
});

test('output that is not wanted is still drained', async () => {
  const { ended, id } = await keeper.run(['head', '-c', '5000000', '/dev/zero'], { logs: null });
  expect(ended.exit.code).toBe(0);
  expect(existsSync(keeper.folder(id))).toBe(false);
});

test('a service that floods while its log is not read is not held up (LG1)', async () => {
  keeper.link.close(); // no daemon at all
  await keeper.connect();
  const { ended, id } = await keeper.run(['sh', '-c', 'yes 0123456789012345678901234567890 | head -n 1000000']);
  expect(ended.exit.code).toBe(0);
  expect(keeper.log(id)).toHaveLength(32_000_000);
});

test('the death of the daemon costs no line (LG2)', async () => {
  const { id, run } = await keeper.spawn(['sh', '-c', counter(40, 'sleep 0.02;')]);
  await until('it prints', () => keeper.log(id).includes('line 5\n'));
  keeper.link.close();
  await keeper.connect();
  expect(keeper.link.runs.map((held) => held.run)).toContain(run);
  await keeper.ended(run);
  expect(keeper.log(id)).toBe(numbered(40));
});

test('records that came while no daemon was there are replayed to the next one, in order', async () => {
  const since = keeper.records.at(-1)?.seq ?? 0;
  const { run, process: identity } = await keeper.spawn(['sh', '-c', 'sleep 0.2; exit 9']);
  keeper.link.close();
  keeper.records.length = 0;
  await until('it has ended', () => !isSame(identity));
  await keeper.connect(since);
  expect((await keeper.ended(run)).exit.code).toBe(9);
  const seqs = keeper.records.map(({ seq }) => seq);
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  expect(keeper.records[0]).toMatchObject({ kind: 'spawned', run });
});

describe('rotation', () => {
  const files = (id: string) => readdirSync(keeper.folder(id)).sort();

  test('60 000 lines through many small segments: none lost, none torn (LG7)', async () => {
    const rotation = withRotation('aaaaaaaaaaaa', { max_size: 16_384, max_files: 1000 });
    const { id } = await keeper.run(['sh', '-c', `${counter(60_000)}`], rotation);
    expect(keeper.log(id)).toBe(numbered(60_000));
    const segments = files(id).filter((name) => parseSegmentName(name)?.stream === 'out');
    expect(segments.length).toBeGreaterThan(30);
    for (const name of segments) {
      const text = readFileSync(path.join(keeper.folder(id), name), 'utf8');
      expect(text).toMatch(/^line \d+\n/);
      expect(text).toMatch(/\n$/);
      expect(text.length).toBeLessThanOrEqual(16_384);
    }
  });

  test('only the newest files are kept, and the newest line is there', async () => {
    const rotation = withRotation('bbbbbbbbbbbb', { max_size: 16_384, max_files: 3 });
    const { id } = await keeper.run(['sh', '-c', counter(20_000)], rotation);
    await until('the others are removed', () => files(id).length === 6);
    expect(files(id).filter((name) => name.endsWith('.log'))).toHaveLength(3);
    const text = keeper.log(id);
    expect(numbered(20_000).endsWith(text)).toBe(true);
    expect(text.length).toBeGreaterThan(2 * 16_000);
  });

  test('closed files are compressed, and read as before', async () => {
    const rotation = withRotation('cccccccccccc', { max_size: 16_384, max_files: 100, compress: true });
    const { id } = await keeper.run(['sh', '-c', counter(6_000)], rotation);
    await until(
      'all but the newest are compressed',
      () => files(id).filter((name) => name.endsWith('.log')).length === 1,
    );
    expect(files(id).filter((name) => name.endsWith('.gz')).length).toBeGreaterThan(2);
    expect(files(id).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(keeper.log(id)).toBe(numbered(6_000));
    let count = 0;
    for await (const { line } of readLog({ folder: keeper.folder(id) })) expect(line).toBe(`line ${++count}`);
    expect(count).toBe(6_000);
  });

  test('100 MB without a newline make no file without end, and no memory (LG4)', async () => {
    const rotation = withRotation('dddddddddddd', { max_size: 8 << 20, max_files: 100 });
    const memory = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${keeper.link.pid}/status`, 'utf8'))?.[1]);
    const before = memory();
    const { id } = await keeper.run(['sh', '-c', 'head -c 104857600 /dev/zero | tr "\\0" x'], rotation);
    const sizes = files(id).filter((name) => name.startsWith('out') && name.endsWith('.log'));
    const bytes = sizes.map((name) => statSync(path.join(keeper.folder(id), name)).size);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBe(104_857_600);
    expect(Math.max(...bytes)).toBeLessThanOrEqual(9 << 20);
    expect(memory() - before).toBeLessThan(20 * 1024);
  });
});

test('a flood of one service delays no line of another (LG10), and the event loop stays free (LG16)', async () => {
  const flood = await keeper.spawn(['yes'], withRotation('eeeeeeeeeeee', { max_size: 4 << 20, max_files: 2 }));
  const quiet = await keeper.run(['sh', '-c', counter(5, 'sleep 0.05;')]);
  expect(keeper.log(quiet.id)).toBe(numbered(5));
  expect(isSame(flood.process)).toBe(true);
  process.kill(flood.process.pid, 'SIGKILL');
  await keeper.ended(flood.run);
});

describe.runIf(process.getuid?.() === 0)('on a full disk (LG3)', () => {
  const FLOOD = 45_455 * 11;
  const folder = () => keeper.folder('ffffffffffff');
  afterEach(() => spawnSync('umount', ['--lazy', folder()]));

  test('the service continues, the loss is counted, and logging recovers by itself', async (context) => {
    mkdirSync(folder(), { recursive: true });
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'reeve-test', folder()]);
    context.skip(mounted.status !== 0, `no tmpfs can be mounted here: ${mounted.stderr}`);
    const go = path.join(keeper.home, 'full');
    spawnSync('mkfifo', [go]);
    const flooded = path.join(keeper.home, 'flooded');
    const flood = `yes 0123456789 | head -c ${FLOOD}; : > ${flooded}`;
    const script = `${flood}; read x < ${go}; sleep 1.2; echo recovered; echo again; exit 3`;
    const { run } = await keeper.spawn(['sh', '-c', script], withRotation('ffffffffffff', {}));
    const gaps = () =>
      keeper.records.flatMap((record) => (record.kind === 'gap' && record.run === run ? [record] : []));
    await until('a gap is reported', () => gaps().length > 0);
    expect(gaps()[0]).toMatchObject({ bytes: null, why: expect.stringContaining('ENOSPC') });
    const first = path.join(folder(), 'out.000001.log');
    await until('all is said', () => existsSync(flooded));
    spawnSync('mount', ['-o', 'remount,size=1m', folder()]);
    writeFileSync(go, 'x\n');
    expect((await keeper.ended(run)).exit.code).toBe(3);
    const written = readFileSync(first, 'utf8');
    expect(written.endsWith('\nrecovered\nagain\n')).toBe(true);
    const lost = gaps().reduce((sum, gap) => sum + (gap.bytes ?? 0), 0);
    expect(gaps()).toHaveLength(2);
    // A line that was torn by the full disk gets a newline of ours.
    const added = written.length - 'recovered\nagain\n'.length + lost - FLOOD;
    expect([0, 1, 2]).toContain(added);
    const shown = [];
    for await (const line of readLog({ folder: folder() })) shown.push(line);
    const places = shown.flatMap(({ lost: missing }, n) => (missing === undefined ? [] : [{ n, missing }]));
    expect(
      places.reduce((sum, { missing }) => sum + (missing.bytes ?? 0), 0),
      'U37: the log says where',
    ).toBe(lost);
    expect(places.at(-1)?.missing.why).toContain('the disk is full');
    expect(places.at(-1)?.n).toBeLessThan(shown.findIndex(({ line }) => line === 'recovered'));
  });
});

test('U6: each line has its own time, also where a service writes all the time', async () => {
  const fifo = path.join(keeper.home, 'lines');
  spawnSync('mkfifo', [fifo]);
  const {
    id,
    run,
    process: identity,
  } = await keeper.spawn(['sh', '-c', `exec 3<>${fifo}; while read x <&3; do echo $x; done`]);
  const ask = openSync(fifo, 'r+'); // for reading too: opening never waits
  const asked: number[] = [];
  const seen: number[] = [];
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    asked.push(Date.now());
    writeSync(ask, `${name}\n`);
    await until(`${name} is logged`, () => keeper.log(id).endsWith(`${name}\n`));
    seen.push(Date.now());
  }
  closeSync(ask);
  process.kill(identity.pid, 'SIGKILL');
  await keeper.ended(run);
  const at: number[] = [];
  for await (const line of readLog({ folder: keeper.folder(id) })) at.push(line.at);
  expect(at).toHaveLength(asked.length);
  for (const [n, time] of at.entries()) {
    expect(time).toBeGreaterThanOrEqual((asked[n] ?? 0) - 5);
    expect(time).toBeLessThanOrEqual(seen[n] ?? 0);
  }
});

describe('U10: what another program does to the open file', () => {
  const harm = {
    truncated: (file: string) => writeFileSync(file, ''),
    removed: (file: string) => rmSync(file),
    replaced: (file: string) => renameSync(file, `${file}.old`),
    'removed with its folder': (file: string) => rmSync(path.dirname(file), { recursive: true }),
  };
  test.each(Object.entries(harm))('%s: a new one begins, and it is said where', async (how, hurt) => {
    const go = path.join(keeper.home, `go-${how}`);
    spawnSync('mkfifo', [go]);
    const { id, run } = await keeper.spawn(['sh', '-c', `echo before; read x < '${go}'; echo after; exec sleep 1000`]);
    const file = path.join(keeper.folder(id), 'out.000001.log');
    await until('it has written', () => existsSync(file) && readFileSync(file, 'utf8') === 'before\n');
    hurt(file);
    const isTold = () => keeper.records.find((record) => record.kind === 'gap' && record.run === run);
    const word = how.split(' ')[0] === 'replaced' ? 'removed' : how.split(' ')[0];
    expect(await until('it is noticed while the service is silent', isTold)).toMatchObject({
      why: expect.stringContaining(`out.000001.log was ${word} by another program`),
    });
    writeFileSync(go, 'x\n');
    await until('it continues in a new file', () => keeper.log(id).endsWith('after\n'));
    expect(existsSync(path.join(keeper.folder(id), 'out.000002.log'))).toBe(true);
    const lines = [];
    for await (const line of readLog({ folder: keeper.folder(id) })) lines.push(line);
    expect(lines.at(-1)).toMatchObject({ line: 'after' });
    expect(lines.at(-2)?.lost).toMatchObject({ bytes: 'before\n'.length });
  });
});

test('a log folder that is not a folder costs the output, not the service', async () => {
  const id = '999999999999';
  rmSync(keeper.folder(id), { recursive: true, force: true });
  writeFileSync(keeper.folder(id), 'in the way');
  const { ended, run } = await keeper.run([...program('prints-lines', 'count=3', 'then=exit')], { id });
  expect(ended.exit.code).toBe(0);
  const gaps = keeper.records.filter((record) => record.kind === 'gap' && record.run === run);
  expect(gaps.map((gap) => gap.kind === 'gap' && gap.bytes)).toEqual([null, numbered(3).length]);
});

test('U36: a log folder that is a link is not followed, and the output that is lost is reported', async () => {
  const id = 'feedfeedfeed';
  const target = path.join(keeper.home, 'elsewhere');
  mkdirSync(target);
  mkdirSync(path.dirname(keeper.folder(id)), { recursive: true });
  symlinkSync(target, keeper.folder(id));
  const { run } = await keeper.run(['sh', '-c', 'echo hello'], { id });
  expect(readdirSync(target)).toEqual([]);
  const gaps = keeper.records.filter((record) => record.kind === 'gap' && record.run === run);
  expect(gaps.at(-1)).toMatchObject({ why: expect.stringContaining('symbolic link') });
});

test('U37: where descriptors are short a start is refused, and of what is started no line is lost', async () => {
  await using tight = await TestKeeper.start({ descriptors: 128 });
  const script = (n: number) => ['sh', '-c', `echo out-${n}; echo err-${n} >&2; exec sleep 1000`];
  const starts = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => tight.spawn(script(n))));
  const started = starts.flatMap((start, n) => (start.status === 'fulfilled' ? [{ n, id: start.value.id }] : []));
  const refused = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason as Error] : []));
  expect(started.length).toBeGreaterThan(5);
  for (const reason of refused) expect(reason.message).toContain('no file descriptor left');
  for (const { n, id } of started) {
    await until(`what run ${n} wrote is logged`, () => existsSync(tight.folder(id)) && tight.log(id, 'err') !== '');
    expect([tight.log(id), tight.log(id, 'err')]).toEqual([`out-${n}\n`, `err-${n}\n`]);
  }
  expect(tight.records.filter(({ kind }) => kind === 'gap')).toEqual([]);
});
