import { LOCAL_NODE } from '@reeve/contract';
import type { Registry, RunRow } from '../core/registry.ts';
import type { TableContext } from './context.ts';
import type { SqlRow } from './driver.ts';
import { marksOf } from './marks.ts';
import { Cells, exit, toJson } from './rows.ts';

const SELECT = `
  SELECT run, folder, service, "index", generation, id, marks, started_at, ready_at, ended_at, exit FROM runs`;
const GET = `${SELECT} WHERE node = ? AND run = ?`;
const OF = `${SELECT} WHERE node = ? AND folder = ? AND service = ? AND "index" = ? ORDER BY seq DESC LIMIT ?`;
const OPEN = `${SELECT} WHERE node = ? AND ended_at IS NULL ORDER BY seq`;
const SAVE = `
  INSERT INTO runs (node, run, seq, folder, service, "index", generation, id, marks, started_at, ready_at, ended_at, exit)
  VALUES (?1, ?2, (SELECT coalesce(max(seq), 0) + 1 FROM runs WHERE node = ?1), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
  ON CONFLICT (node, run) DO UPDATE SET folder = excluded.folder, service = excluded.service, "index" = excluded."index",
    generation = excluded.generation, id = excluded.id, marks = excluded.marks, started_at = excluded.started_at,
    ready_at = excluded.ready_at, ended_at = excluded.ended_at, exit = excluded.exit`;
const REMOVE = `
  DELETE FROM runs WHERE node = ?1 AND run IN (SELECT run FROM runs WHERE node = ?1 AND ended_at < ?2 LIMIT ?3)`;

export function runsTable({ connection }: TableContext): Registry['runs'] {
  const read = (row: SqlRow): RunRow => {
    const cells = new Cells(row, { file: connection.file, table: 'runs', key: ['run'] });
    const run = cells.text('run');
    return {
      run,
      folder: cells.text('folder'),
      service: cells.text('service'),
      index: cells.integer('index'),
      generation: cells.integer('generation'),
      id: cells.text('id'),
      marks: cells.json('marks', marksOf(run)),
      started_at: cells.integer('started_at'),
      ready_at: cells.integerOrNull('ready_at'),
      ended_at: cells.integerOrNull('ended_at'),
      exit: cells.jsonOrNull('exit', exit),
    };
  };
  return {
    save: (row) => {
      const { run, folder, service, index, generation, id, started_at, ready_at, ended_at } = row;
      const marks = toJson(row.marks);
      const ended = row.exit === null ? null : toJson(row.exit);
      connection.run(
        SAVE,
        ...[LOCAL_NODE, run, folder, service, index, generation, id, marks, started_at, ready_at, ended_at, ended],
      );
    },
    get: (run) => {
      const row = connection.get(GET, LOCAL_NODE, run);
      return row ? read(row) : null;
    },
    of: (folder, service, index, limit) => connection.all(OF, LOCAL_NODE, folder, service, index, limit).map(read),
    open: () => connection.all(OPEN, LOCAL_NODE).map(read),
    removeEndedBefore: (at, most) => connection.run(REMOVE, LOCAL_NODE, at, most),
  };
}
