import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../../../../test/harness/until.ts';
import { Compressor } from './compressor.ts';
import { LogFolder } from './log-folder.ts';

test('U7: closed files that are too old are removed', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rv-age-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const complaints: string[] = [];
  const report = (message: string) => void complaints.push(message);
  const world = { compressor: new Compressor(report), report, spareDescriptors: () => false };
  const log = new LogFolder(folder, { max_size: 4096, max_files: 100, max_age: 60_000, compress: false }, world);
  for (let n = 0; n < 4; n++) log.write('out', 'run', Buffer.from(`${'x'.repeat(4000)}\n`));
  const files = () => readdirSync(folder).filter((name) => name.endsWith('.log'));
  const [oldest, ...others] = files().sort();
  expect(others.length).toBeGreaterThan(1);
  const longAgo = Date.now() / 1000 - 3600;
  utimesSync(path.join(folder, oldest ?? ''), longAgo, longAgo);
  log.tidy('out');
  await until('the old one is removed', () => !files().includes(oldest ?? ''));
  expect(files().sort()).toEqual(others);
  log.close();
  expect(complaints).toEqual([]);
});
