import { LOCAL_NODE, type ServiceSpec } from '@reeve/contract';
import type { Registry, ServiceRow } from '../core/registry.ts';
import type { TableContext } from './context.ts';
import type { SqlRow } from './driver.ts';
import { anything, Cells, object, oneOf, textMap, toJson } from './rows.ts';
import { ulids } from './ulid.ts';

// By id, which is the order in which they were first seen.
const OF = `
  SELECT folder, name, spec, environment, managed_by, data, in_config FROM services
  WHERE node = ? AND folder = ? ORDER BY id`;
const TIMES = 'SELECT folder, name, created_at, updated_at FROM services WHERE node = ? AND folder = ?';
/** `id` and `created_at` are the first one's, for good. */
const SAVE = `
  INSERT INTO services (node, folder, name, id, spec, environment, managed_by, data, in_config, created_at, updated_at)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)
  ON CONFLICT (node, folder, name) DO UPDATE SET name = excluded.name, spec = excluded.spec,
    environment = excluded.environment, managed_by = excluded.managed_by, data = excluded.data,
    in_config = excluded.in_config, updated_at = excluded.updated_at`;
/** As it is written in the row: names are the same without regard to case. */
const NAME = 'SELECT name FROM services WHERE node = ? AND folder = ? AND name = ?';
/** What belongs to a service while it is known. */
const DEPENDENT = ['intents', 'instances', 'port_leases'];
const MANAGERS = ['config', 'announced', 'adopted', 'registered', 'seed'] as const;

export function servicesTable({ connection, clock }: TableContext): Registry['services'] {
  const newId = ulids(() => clock.now());
  const read = (row: SqlRow): ServiceRow => {
    const cells = new Cells(row, { file: connection.file, table: 'services', key: ['folder', 'name'] });
    return {
      folder: cells.text('folder'),
      name: cells.text('name'),
      // Only `save` writes it, from a spec that was complete; there were no secrets at first.
      spec: { secrets: {}, ...cells.json('spec', object) } as unknown as ServiceSpec,
      environment: cells.json('environment', textMap),
      managed_by: cells.is('managed_by', oneOf(MANAGERS)),
      data: cells.json('data', anything),
      in_config: cells.integer('in_config') === 1,
    };
  };
  /** `Web` became `web`: it is the same service, and is found under the new writing everywhere. */
  const rewrite = ({ folder, name }: ServiceRow): void => {
    for (const table of DEPENDENT) {
      connection.run(
        `UPDATE ${table} SET service = ?3 WHERE node = ?1 AND folder = ?2 AND service = ?3 AND service <> ?3 COLLATE BINARY`,
        LOCAL_NODE,
        folder,
        name,
      );
    }
  };
  const insert = (row: ServiceRow): void => {
    connection.run(
      SAVE,
      LOCAL_NODE,
      row.folder,
      row.name,
      newId(),
      toJson(row.spec),
      toJson(row.environment),
      row.managed_by,
      toJson(row.data),
      row.in_config ? 1 : 0,
      clock.now(),
    );
  };
  return {
    of: (folder) => connection.all(OF, LOCAL_NODE, folder).map(read),
    times: (folder) =>
      new Map(
        connection.all(TIMES, LOCAL_NODE, folder).map((row) => {
          const cells = new Cells(row, { file: connection.file, table: 'services', key: ['folder', 'name'] });
          const times = { created_at: cells.integer('created_at'), updated_at: cells.integer('updated_at') };
          return [cells.text('name'), times];
        }),
      ),
    save: (row) => {
      connection.transaction('durable', () => {
        const before = connection.get(NAME, LOCAL_NODE, row.folder, row.name);
        insert(row);
        if (before && before['name'] !== row.name) rewrite(row);
      });
    },
    remove: (folder, name) => {
      connection.transaction('durable', () => {
        for (const table of DEPENDENT) {
          connection.run(
            `DELETE FROM ${table} WHERE node = ? AND folder = ? AND service = ?`,
            LOCAL_NODE,
            folder,
            name,
          );
        }
        connection.run('DELETE FROM services WHERE node = ? AND folder = ? AND name = ?', LOCAL_NODE, folder, name);
      });
    },
  };
}
