import type { Exit, JournalRecord } from '@reeve/contract';

export type Spawned = Extract<JournalRecord, { kind: 'spawned' }>;
type Unnumbered<R> = R extends JournalRecord ? Omit<R, 'seq' | 'at'> : never;
/** A record before the journal has given it its number and time. */
export type NewRecord = Unnumbered<JournalRecord>;

/** A run that the journal says was spawned and not yet released. */
export interface OpenRun {
  readonly spawned: Spawned;
  readonly exit: Exit | null;
}

const KINDS = new Set<string>(['spawned', 'exited', 'reaped', 'gap', 'notified', 'ready_fd', 'ipc', 'released']);

/** The records of a journal's text. A torn or foreign line is left out. */
export function parseJournal(text: string): JournalRecord[] {
  return text.split('\n').flatMap((line) => {
    const record = parseRecord(line);
    return record === null ? [] : [record];
  });
}

function parseRecord(line: string): JournalRecord | null {
  try {
    const value = JSON.parse(line) as Partial<JournalRecord> | null;
    const hasRun = typeof value?.run === 'string' || (value?.kind === 'reaped' && value.run === null);
    const known = KINDS.has(value?.kind ?? '') && Number.isSafeInteger(value?.seq) && hasRun;
    return known ? (value as JournalRecord) : null;
  } catch {
    return null;
  }
}

/** The runs that must still be looked after, in the order of their start. */
export function openRuns(records: readonly JournalRecord[]): readonly OpenRun[] {
  const open = new Map<string, OpenRun>();
  for (const record of records) {
    if (record.kind === 'spawned') open.set(record.run, { spawned: record, exit: null });
    if (record.kind === 'exited') {
      const known = open.get(record.run);
      if (known !== undefined) open.set(record.run, { ...known, exit: record.exit });
    }
    if (record.kind === 'released') open.delete(record.run);
  }
  return [...open.values()];
}

/** So many records of one kind and run wait for a daemon that is away; of messages the first and the newest of them. */
const MOST_KEPT = 200;

/**
 * The records that still matter now that `newer` has come: while no daemon is there, a service may notify for weeks.
 * What an older notification of the same run said is superseded when every key of it is said again.
 */
export function stillMattering(records: readonly JournalRecord[], newer: NewRecord): readonly JournalRecord[] {
  if (newer.kind === 'notified') {
    const said = new Set(keysOf(newer.text));
    const isOld = (record: JournalRecord) =>
      record.kind === 'notified' && record.run === newer.run && keysOf(record.text).every((key) => said.has(key));
    return records.some(isOld) ? records.filter((record) => !isOld(record)) : records;
  }
  if (newer.kind === 'ipc') {
    const mine = records.filter((record) => record.kind === 'ipc' && record.run === newer.run);
    const middle = mine.length < MOST_KEPT ? undefined : mine[MOST_KEPT / 2];
    return middle === undefined ? records : records.filter((record) => record !== middle);
  }
  if (newer.kind === 'reaped' || newer.kind === 'gap') return withoutOldest(records, newer);
  return records;
}

/** An orphan's end that is too old is forgotten; the bytes of a gap are counted in the next one. */
function withoutOldest(
  records: readonly JournalRecord[],
  { kind, run }: Pick<JournalRecord, 'kind' | 'run'>,
): readonly JournalRecord[] {
  const mine = records.filter((record) => record.kind === kind && record.run === run);
  const [oldest, next] = mine;
  if (mine.length < MOST_KEPT || oldest === undefined) return records;
  return records.flatMap((record) => {
    if (record === oldest) return [];
    if (record !== next || record.kind !== 'gap' || oldest.kind !== 'gap') return [record];
    return [{ ...record, bytes: sum(oldest.bytes, record.bytes) }];
  });
}

function sum(a: number | null, b: number | null): number | null {
  return a === null && b === null ? null : (a ?? 0) + (b ?? 0);
}

function keysOf(text: string): readonly string[] {
  return text.split('\n').map((line) => line.split('=', 1)[0] ?? line);
}

/**
 * What must stay when everything up to `seq` is acknowledged: what is newer, the start and end of every run that is
 * still held, and the very last record, which carries the number to continue from.
 */
export function retained(records: readonly JournalRecord[], seq: number): readonly JournalRecord[] {
  const held = new Set(openRuns(records).map(({ spawned }) => spawned.run));
  const matters = (record: JournalRecord) =>
    (record.kind === 'spawned' || record.kind === 'exited') && held.has(record.run);
  return records.filter((record, n) => record.seq > seq || matters(record) || n === records.length - 1);
}
