import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReeveError } from '@reeve/contract';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DaemonLog, openDaemonLog } from './daemon-log.ts';

let folder: string;
let path: string;
const open: DaemonLog[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reeve-log-'));
  path = join(folder, 'daemon.log');
});
afterEach(() => {
  for (const log of open.splice(0)) log.close();
  rmSync(folder, { recursive: true, force: true });
});

function openLog(maxSize?: number): DaemonLog {
  const log = openDaemonLog(path, maxSize === undefined ? {} : { maxSize });
  open.push(log);
  return log;
}
interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}
const linesOf = (file: string): Line[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

test('a line is JSON with a level by name and ISO time, and is in the file when the call returns', () => {
  const before = process.umask(0);
  const log = openLog();
  process.umask(before);
  log.info({ service: 'web' }, 'started');
  const [line] = linesOf(path);
  expect(line).toMatchObject({ level: 'info', msg: 'started', service: 'web', pid: process.pid });
  expect(new Date(line?.time ?? '').toISOString()).toBe(line?.time);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('secrets are masked, also in the fields of an error and its cause', () => {
  const cause = Object.assign(new Error('inner'), { env: { API_KEY: 's3cret' } });
  const error = new ReeveError('INTERNAL', { message: 'outer', token: 's3cret' }, { cause });
  openLog().error({ err: error, env: { DB_PASSWORD: 's3cret', PORT: '80' } }, 'failed');
  expect(readFileSync(path, 'utf8')).not.toContain('s3cret');
  const [line] = linesOf(path);
  expect(line).toMatchObject({ env: { PORT: '80' }, err: { code: 'INTERNAL', cause: { message: 'inner' } } });
  expect(JSON.stringify(line?.['err'])).toContain('daemon-log.contract.test');
});

test('it is set aside when it would grow beyond its size; three are kept and no line is lost or cut', () => {
  const log = openLog(2000);
  for (let n = 0; n < 60; n++) log.info({ n }, 'x'.repeat(50));
  const files = [3, 2, 1].map((n) => `${path}.${n}`).filter((file) => existsSync(file));
  expect(files).toHaveLength(3);
  expect(existsSync(`${path}.4`)).toBe(false);
  const numbers = [...files, path].flatMap(linesOf).map((line) => line['n'] as number);
  expect(numbers.at(-1)).toBe(59);
  expect(numbers).toEqual(numbers.map((_, index) => 60 - numbers.length + index));
  for (const file of [...files, path]) expect(statSync(file).size).toBeLessThanOrEqual(2000);
});

test('what a former daemon wrote is kept, and set aside at the start when it is too big', () => {
  openLog().info('first');
  openLog().info('second');
  expect(linesOf(path).map(({ msg }) => msg)).toEqual(['first', 'second']);
  openLog(10).info('third');
  expect(linesOf(`${path}.1`)).toHaveLength(2);
  expect(linesOf(path).map(({ msg }) => msg)).toEqual(['third']);
});

test('a link in its place is refused', () => {
  writeFileSync(join(folder, 'victim'), 'mine');
  symlinkSync(join(folder, 'victim'), path);
  expect(() => openLog()).toThrow('ELOOP');
});

/** A real limit: this process may not make any file longer than `bytes`; null takes it away. Linux, util-linux. */
function limitFiles(bytes: number | null): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes ?? 'unlimited'}:`]);
}

test('a disk without room costs lines, which are counted and told when there is room again', () => {
  const ignore = (): void => undefined;
  process.on('SIGXFSZ', ignore);
  const log = openLog();
  try {
    log.info('before');
    limitFiles(statSync(path).size + 20);
    log.info('torn in the middle');
    log.info('lost');
    log.info('lost too');
  } finally {
    limitFiles(null);
    process.off('SIGXFSZ', ignore);
  }
  log.info('after');
  const text = readFileSync(path, 'utf8').split('\n');
  const whole = [text[0], text[2], text[3]].map((line) => JSON.parse(line ?? '') as Line);
  expect(whole.map(({ msg }) => msg)).toEqual(['before', 'lines of this log were lost', 'after']);
  expect(whole[1]).toMatchObject({ level: 'warn', lines: 3, why: 'EFBIG' });
  expect(text[1]).toHaveLength(20);
});
