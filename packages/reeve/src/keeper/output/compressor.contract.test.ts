import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../../../test/harness/until.ts';
import { Compressor } from './compressor.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rv-gz-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const segment = (name: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, 'line\n');
  return file;
};

test('D14: a segment whose remains cannot be removed does not keep the next one from being compressed', async () => {
  const complaints: string[] = [];
  const compressor = new Compressor((message) => complaints.push(message), 1);
  const stuck = segment('out.1.log');
  mkdirSync(`${stuck}.gz.tmp`); // rm without recursion refuses a folder
  compressor.add(stuck);
  await until('it has been tried', () => complaints.length > 0);
  const next = segment('out.2.log');
  compressor.add(next);
  await until('the next one is compressed', () => readdirSync(folder).includes('out.2.log.gz'));
});

test('U36: a compressed segment is not written through a link', async () => {
  const target = path.join(folder, 'precious');
  writeFileSync(target, 'kept\n');
  const file = segment('out.1.log');
  symlinkSync(target, `${file}.gz.tmp`);
  new Compressor(() => undefined, 1).add(file);
  await until('it is compressed', () => readdirSync(folder).includes('out.1.log.gz'));
  expect(readFileSync(target, 'utf8')).toBe('kept\n');
});
