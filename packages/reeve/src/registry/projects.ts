import { LOCAL_NODE } from '@reeve/contract';
import type { ProjectRow, Registry } from '../core/registry.ts';
import type { TableContext } from './context.ts';
import type { SqlRow } from './driver.ts';
import { keepEventNumbers } from './events.ts';
import { Cells, listOf, text, textMap, toJson } from './rows.ts';

const ALL = 'SELECT folder, name, config, env, env_files FROM projects WHERE node = ? ORDER BY created_at, folder';
const SAVE = `
  INSERT INTO projects (node, folder, name, config, env, env_files, created_at, updated_at)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
  ON CONFLICT (node, folder) DO UPDATE SET name = excluded.name, config = excluded.config, env = excluded.env,
    env_files = excluded.env_files, updated_at = excluded.updated_at`;
/** What is true only while the project is known. */
const PRESENT = ['port_leases', 'instances', 'intents', 'announcements', 'services', 'projects'];
const HISTORY = ['runs', 'events'];

export function projectsTable({ connection, clock }: TableContext): Registry['projects'] {
  const read = (row: SqlRow): ProjectRow => {
    const cells = new Cells(row, { file: connection.file, table: 'projects', key: ['folder'] });
    return {
      folder: cells.text('folder'),
      name: cells.text('name'),
      config: cells.textOrNull('config'),
      env: cells.json('env', textMap),
      env_files: cells.json('env_files', listOf(text)),
    };
  };
  return {
    all: () => connection.all(ALL, LOCAL_NODE).map(read),
    save: ({ folder, name, config, env, env_files }) => {
      connection.transaction('durable', () =>
        connection.run(SAVE, LOCAL_NODE, folder, name, config, toJson(env), toJson(env_files), clock.now()),
      );
    },
    remove: (folder, purge) => {
      connection.transaction('durable', () => {
        if (purge) keepEventNumbers(connection);
        for (const table of purge ? [...PRESENT, ...HISTORY] : PRESENT) {
          connection.run(`DELETE FROM ${table} WHERE node = ? AND folder = ?`, LOCAL_NODE, folder);
        }
      });
    },
  };
}
