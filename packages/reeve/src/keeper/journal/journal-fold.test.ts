import type { JournalRecord } from '@reeve/contract';
import { expect, test } from 'vitest';
import { openRuns, parseJournal, retained, stillMattering } from './journal-fold.ts';

const at = '2026-01-01T00:00:00.000Z';
const process = { boot: 'b', pid: 7, start: 9 };
const spawned = (seq: number, run: string): JournalRecord => ({
  seq,
  at,
  kind: 'spawned',
  run,
  id: 'i',
  process,
  logs: null,
});
const exited = (seq: number, run: string): JournalRecord => ({
  seq,
  at,
  kind: 'exited',
  run,
  id: 'i',
  process,
  exit: { kind: 'code', code: 3, signal: null, at },
});
const released = (seq: number, run: string): JournalRecord => ({ seq, at, kind: 'released', run, id: 'i' });
const journal = [spawned(1, 'a'), spawned(2, 'b'), exited(3, 'a'), exited(4, 'b'), released(5, 'a')];

test('a run is open from spawned to released, with its exit once it has ended', () => {
  expect(openRuns(journal).map(({ spawned: { run }, exit }) => [run, exit?.code])).toEqual([['b', 3]]);
  expect(openRuns(journal.slice(0, 3)).map(({ exit }) => exit?.code)).toEqual([3, undefined]);
});

test('torn, empty and foreign lines are left out', () => {
  const line = JSON.stringify(spawned(1, 'a'));
  const text = `${line}\n\nnull\n[]\n7\n{"seq":"x","kind":"exited","run":"a"}\n{"kind":"spawned"}\n${line.slice(0, 40)}`;
  expect(parseJournal(text)).toEqual([spawned(1, 'a')]);
});

test('what is acknowledged goes, but for runs that are held and the last number', () => {
  expect(retained(journal, 5)).toEqual([journal[1], journal[3], journal[4]]);
  expect(retained(journal, 3)).toEqual([journal[1], journal[3], journal[4]]);
  expect(retained(journal, 0)).toEqual(journal);
  expect(openRuns(retained(journal, 5))).toEqual(openRuns(journal));
});

test('a notification whose every key is said again no longer matters; others do, and those of other runs', () => {
  const told = (run: string, text: string) => ({ kind: 'notified', run, id: 'i', text, lost: 0 }) as const;
  const of = (...texts: readonly (readonly [string, string])[]) =>
    texts.map(([run, text], n) => ({ seq: n + 1, at: 't', ...told(run, text) }));
  const records = of(['a', 'READY=1\nSTATUS=x'], ['a', 'WATCHDOG=1'], ['b', 'WATCHDOG=1']);
  expect(stillMattering(records, told('a', 'WATCHDOG=1')).map(({ seq }) => seq)).toEqual([1, 3]);
  expect(stillMattering(records, told('a', 'STATUS=y'))).toBe(records);
  expect(stillMattering(records, told('a', 'STATUS=y\nREADY=1')).map(({ seq }) => seq)).toEqual([2, 3]);
});

test('D12: of orphans and gaps the newest two hundred of a run are kept while no daemon is there, and no lost byte is left out', () => {
  const gap = (bytes: number | null) => ({ kind: 'gap', run: 'a', id: 'i', bytes, why: 'ENOSPC' }) as const;
  const { exit } = exited(1, 'a') as Extract<JournalRecord, { kind: 'exited' }>;
  const reaped = { kind: 'reaped', run: null, id: null, process, exit } as const;
  let records: readonly JournalRecord[] = [spawned(1, 'a')];
  for (let seq = 2; seq <= 2001; seq++) {
    const record = seq % 2 === 0 ? gap(seq === 2 ? null : 10) : reaped;
    records = [...stillMattering(records, record), { seq, at, ...record }];
  }
  const of = (kind: JournalRecord['kind']) => records.filter((record) => record.kind === kind);
  expect([of('spawned').length, of('gap').length, of('reaped').length]).toEqual([1, 200, 200]);
  expect([of('gap').at(-1)?.seq, of('reaped').at(-1)?.seq]).toEqual([2000, 2001]);
  const lost = of('gap').reduce((total, record) => total + (record.kind === 'gap' ? (record.bytes ?? 0) : 0), 0);
  expect(lost).toBe(999 * 10);
});
