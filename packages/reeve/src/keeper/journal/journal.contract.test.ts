import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Journal } from './journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rv-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const told = (n: number) => ({ kind: 'notified', run: 'r', id: '0123456789ab', text: `STATUS=${n}`, lost: 0 }) as const;

/** Descriptors of ours that are open on something below the folder. */
function openBelow(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;
}

test('D13: a journal that cannot be shortened keeps one descriptor, and what is written to it', () => {
  const file = path.join(folder, 'journal.ndjson');
  const complaints: string[] = [];
  const journal = new Journal(file, (message) => complaints.push(message));
  rmSync(file);
  mkdirSync(file);
  for (let n = 0; n < 600; n++) journal.append(told(n));
  expect(complaints.length).toBeGreaterThan(0);
  expect(openBelow()).toBe(1);
  rmSync(file, { recursive: true });
  journal.append(told(600));
  expect(new Journal(file, () => undefined).since(600)).toMatchObject([{ seq: 601, text: 'STATUS=600' }]);
});

test('U36: neither a journal nor its draft is written through a link', () => {
  const file = path.join(folder, 'journal.ndjson');
  const target = path.join(folder, 'precious');
  writeFileSync(target, 'kept\n');
  symlinkSync(target, file);
  expect(() => new Journal(file, () => undefined)).toThrow(/symbolic link/);
  rmSync(file);
  const journal = new Journal(file, () => undefined);
  symlinkSync(target, `${file}.tmp`);
  for (let n = 0; n < 300; n++) journal.append(told(n));
  expect(readFileSync(target, 'utf8')).toBe('kept\n');
});
