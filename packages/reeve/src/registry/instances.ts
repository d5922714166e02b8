import { LOCAL_NODE, STATE_NAMES } from '@reeve/contract';
import type { InstanceRow, Registry } from '../core/registry.ts';
import type { TableContext } from './context.ts';
import type { SqlRow } from './driver.ts';
import { machine } from './marks.ts';
import { Cells, oneOf, toJson } from './rows.ts';

const OF = `
  SELECT folder, service, "index", state, reason, restarts, machine, at FROM instances
  WHERE node = ? AND folder = ? ORDER BY service, "index"`;
const SAVE = `
  INSERT INTO instances (node, folder, service, "index", state, reason, restarts, machine, at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (node, folder, service, "index") DO UPDATE SET service = excluded.service, state = excluded.state,
    reason = excluded.reason, restarts = excluded.restarts, machine = excluded.machine, at = excluded.at`;
const REMOVE_RESTED = `
  DELETE FROM instances
  WHERE node = ? AND folder = ? AND service = ? AND "index" >= ? AND at < ?
    AND state IN ('stopped', 'completed', 'failed')`;

export function instancesTable({ connection }: TableContext): Registry['instances'] {
  const read = (row: SqlRow): InstanceRow => {
    const cells = new Cells(row, { file: connection.file, table: 'instances', key: ['folder', 'service', 'index'] });
    return {
      folder: cells.text('folder'),
      service: cells.text('service'),
      index: cells.integer('index'),
      state: cells.is('state', oneOf(STATE_NAMES)),
      reason: cells.textOrNull('reason'),
      restarts: cells.integer('restarts'),
      machine: cells.json('machine', machine),
      at: cells.integer('at'),
    };
  };
  return {
    of: (folder) => connection.all(OF, LOCAL_NODE, folder).map(read),
    save: ({ folder, service, index, state, reason, restarts, machine, at }) => {
      connection.run(SAVE, LOCAL_NODE, folder, service, index, state, reason, restarts, toJson(machine), at);
    },
    removeRested: (folder, service, index, before) =>
      connection.run(REMOVE_RESTED, LOCAL_NODE, folder, service, index, before),
  };
}
