import { LOCAL_NODE } from '@reeve/contract';
import type { IntentRow, Registry } from '../core/registry.ts';
import type { TableContext } from './context.ts';
import type { SqlRow } from './driver.ts';
import { Cells, oneOf } from './rows.ts';

const OF = `
  SELECT folder, service, want, generation, at, by FROM intents WHERE node = ? AND folder = ? ORDER BY service`;
const SAVE = `
  INSERT INTO intents (node, folder, service, want, generation, at, by) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (node, folder, service) DO UPDATE SET service = excluded.service, want = excluded.want,
    generation = excluded.generation, at = excluded.at, by = excluded.by`;

export function intentsTable({ connection }: TableContext): Registry['intents'] {
  const read = (row: SqlRow): IntentRow => {
    const cells = new Cells(row, { file: connection.file, table: 'intents', key: ['folder', 'service'] });
    return {
      folder: cells.text('folder'),
      service: cells.text('service'),
      want: cells.is('want', oneOf(['up', 'down'])),
      generation: cells.integer('generation'),
      at: cells.integer('at'),
      by: cells.text('by'),
    };
  };
  return {
    of: (folder) => connection.all(OF, LOCAL_NODE, folder).map(read),
    save: ({ folder, service, want, generation, at, by }) => {
      connection.transaction('durable', () =>
        connection.run(SAVE, LOCAL_NODE, folder, service, want, generation, at, by),
      );
    },
  };
}
