import { LOCAL_NODE, ReeveError } from '@reeve/contract';
import type { EventQuery, Registry, StoredEvent } from '../core/registry.ts';
import type { Connection } from './connection.ts';
import type { TableContext } from './context.ts';
import type { SqlRow, SqlValue } from './driver.ts';
import { Cells, object, toJson } from './rows.ts';

/** A number is given once: readers continue from the last one they saw (`after_seq`), whatever was forgotten since. */
const NEXT = `
  max(coalesce((SELECT max(seq) FROM events WHERE node = ?1), 0),
      coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE node = ?1 AND name = 'last_event'), 0)) + 1`;
const APPEND = `
  INSERT INTO events (node, seq, at, folder, project, service, instance, run, event, message, data, cause)
  VALUES (?1, ${NEXT}, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING seq`;
const SELECT = `
  SELECT seq, at, folder, project, service, instance, run, event, message, data, cause FROM events WHERE node = ?`;
const INSTANCES = `
  SELECT DISTINCT service, coalesce(instance, 0) AS instance FROM events
  WHERE node = ? AND folder = ? AND service IS NOT NULL ORDER BY 1, 2`;
const KEEP_NUMBERS = `
  INSERT INTO facts (node, name, value) VALUES (?1, 'last_event', CAST(${NEXT} - 1 AS TEXT))
  ON CONFLICT (node, name) DO UPDATE SET value = excluded.value`;
const CONTINUE = `
  INSERT INTO facts (node, name, value) VALUES (?1, 'last_event', CAST(max(?2, ${NEXT} - 1) AS TEXT))
  ON CONFLICT (node, name) DO UPDATE SET value = excluded.value`;

const REMOVE_BEFORE = `
  DELETE FROM events WHERE node = ?1 AND seq IN (SELECT seq FROM events WHERE node = ?1 AND at < ?2 ORDER BY at LIMIT ?3)`;
/** Numbers have gaps where a project was purged: then fewer than asked for stay. */
const REMOVE_BEYOND = `
  DELETE FROM events WHERE node = ?1 AND seq IN (
    SELECT seq FROM events
    WHERE node = ?1 AND seq <= (SELECT max(seq) FROM events WHERE node = ?1) - ?2 ORDER BY seq LIMIT ?3)`;

/** Before events are deleted: the next one still gets a number that no reader has seen. */
export function keepEventNumbers(connection: Connection): void {
  connection.run(KEEP_NUMBERS, LOCAL_NODE);
}

export function eventsTable({ connection }: TableContext): Registry['events'] {
  const read = (row: SqlRow): StoredEvent => {
    const cells = new Cells(row, { file: connection.file, table: 'events', key: ['seq'] });
    return {
      seq: cells.integer('seq'),
      at: cells.integer('at'),
      folder: cells.text('folder'),
      project: cells.text('project'),
      service: cells.textOrNull('service'),
      instance: cells.integerOrNull('instance'),
      run: cells.textOrNull('run'),
      event: cells.text('event'),
      message: cells.text('message'),
      data: cells.json('data', object),
      cause: cells.integerOrNull('cause'),
    };
  };
  const remove = (sql: string, limit: number, most: number): number =>
    connection.transaction('usual', () => {
      keepEventNumbers(connection);
      return connection.run(sql, LOCAL_NODE, limit, most);
    });
  return {
    append: (row) => {
      const { at, folder, project, service, instance, run, event, message, data, cause } = row;
      const values = [at, folder, project, service, instance, run, event, message, toJson(data), cause];
      const stored = connection.get(APPEND, LOCAL_NODE, ...values);
      if (!stored) throw new ReeveError('INTERNAL', { message: 'an event was stored without a number' });
      return { seq: Number(stored['seq']), at, folder, project, service, instance, run, event, message, data, cause };
    },
    get: (seq) => {
      const row = connection.get(`${SELECT} AND seq = ?`, LOCAL_NODE, seq);
      return row ? read(row) : null;
    },
    find: (query) => {
      const { sql, values } = ask(query);
      const rows = connection.all(sql, LOCAL_NODE, ...values).map(read);
      return query.newest === undefined ? rows : rows.reverse();
    },
    instancesOf: (folder) =>
      connection.all(INSTANCES, LOCAL_NODE, folder).map((row) => {
        const cells = new Cells(row, { file: connection.file, table: 'events', key: ['service'] });
        return { service: cells.text('service'), instance: cells.integer('instance') };
      }),
    continueAfter: (seq) => connection.run(CONTINUE, LOCAL_NODE, seq),
    removeBefore: (at, most) => remove(REMOVE_BEFORE, at, most),
    removeBeyond: (kept, most) => remove(REMOVE_BEYOND, kept, most),
  };
}

function ask({ folder, service, after_seq, since, newest }: EventQuery): { sql: string; values: readonly SqlValue[] } {
  const parts: readonly [string, SqlValue | undefined][] = [
    ['AND folder = ?', folder],
    ['AND service = ?', service],
    ['AND seq > ?', after_seq],
    ['AND at >= ?', since],
    [newest === undefined ? '' : 'ORDER BY seq DESC LIMIT ?', newest],
  ];
  const used = parts.filter((part): part is [string, SqlValue] => part[1] !== undefined);
  const order = newest === undefined ? 'ORDER BY seq' : '';
  return { sql: [SELECT, ...used.map(([sql]) => sql), order].join(' '), values: used.map(([, value]) => value) };
}
