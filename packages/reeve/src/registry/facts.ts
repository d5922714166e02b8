import { LOCAL_NODE } from '@reeve/contract';
import type { Registry } from '../core/registry.ts';
import type { TableContext } from './context.ts';

const GET = 'SELECT value FROM facts WHERE node = ? AND name = ?';
const SET = `
  INSERT INTO facts (node, name, value) VALUES (?, ?, ?) ON CONFLICT (node, name) DO UPDATE SET value = excluded.value`;

export function factsTable({ connection }: TableContext): Registry['facts'] {
  return {
    get: (name) => {
      const row = connection.get(GET, LOCAL_NODE, name);
      return row ? String(row['value']) : null;
    },
    set: (name, value) => {
      connection.run(SET, LOCAL_NODE, name, value);
    },
  };
}
