import { LOCAL_NODE } from '@reeve/contract';
import type { LeaseRow, Registry } from '../core/registry.ts';
import type { TableContext } from './context.ts';
import type { SqlRow } from './driver.ts';
import { Cells, oneOf } from './rows.ts';

const SELECT = `
  SELECT port, protocol, folder, service, "index", name, kind, run, at FROM port_leases WHERE node = ?`;
const ALL = `${SELECT} ORDER BY port, protocol`;
const OF_RUN = `${SELECT} AND run = ? ORDER BY port, protocol`;
const HOLDER = `${SELECT} AND protocol = ? AND port = ?`;
const TAKE = `
  INSERT INTO port_leases (node, protocol, port, folder, service, "index", name, kind, run, at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (node, protocol, port) DO UPDATE SET service = excluded.service, kind = excluded.kind,
    run = excluded.run, at = excluded.at`;
/** A name has one port: a new `auto` one replaces that which could not be used. */
const GIVE_UP = `
  DELETE FROM port_leases WHERE node = ? AND folder = ? AND service = ? AND "index" = ? AND name = ? AND protocol = ?
    AND port <> ? AND kind = 'auto'`;
/** An `auto` lease outlives its run, so that the port is the same at the next start. */
const END_FIXED = `DELETE FROM port_leases WHERE node = ? AND run = ? AND kind = 'fixed'`;
const END_AUTO = `UPDATE port_leases SET run = NULL WHERE node = ? AND run = ? AND kind = 'auto'`;
const RELEASE = `
  DELETE FROM port_leases WHERE node = ?1 AND folder = ?2 AND (?3 IS NULL OR service = ?3)
    AND (?4 IS NULL OR "index" = ?4)`;

export function leasesTable({ connection }: TableContext): Registry['leases'] {
  const read = (row: SqlRow): LeaseRow => {
    const cells = new Cells(row, { file: connection.file, table: 'port_leases', key: ['protocol', 'port'] });
    return {
      port: cells.integer('port'),
      protocol: cells.is('protocol', oneOf(['tcp', 'udp'])),
      folder: cells.text('folder'),
      service: cells.text('service'),
      index: cells.integer('index'),
      name: cells.textOrNull('name'),
      kind: cells.is('kind', oneOf(['fixed', 'auto'])),
      run: cells.textOrNull('run'),
      at: cells.integer('at'),
    };
  };
  const write = ({ protocol, port, folder, service, index, name, kind, run, at }: LeaseRow): void => {
    if (kind === 'auto' && name !== null)
      connection.run(GIVE_UP, LOCAL_NODE, folder, service, index, name, protocol, port);
    connection.run(TAKE, LOCAL_NODE, protocol, port, folder, service, index, name, kind, run, at);
  };
  return {
    all: () => connection.all(ALL, LOCAL_NODE).map(read),
    ofRun: (run) => connection.all(OF_RUN, LOCAL_NODE, run).map(read),
    take: (row) =>
      connection.transaction('usual', () => {
        const found = connection.get(HOLDER, LOCAL_NODE, row.protocol, row.port);
        const holder = found ? read(found) : null;
        if (holder && !isSameHolder(holder, row)) return { taken: false, holder };
        write(row);
        return { taken: true };
      }),
    release: (filter) => {
      connection.transaction('usual', () => {
        if (!('run' in filter)) {
          connection.run(RELEASE, LOCAL_NODE, filter.folder, filter.service ?? null, filter.index ?? null);
          return;
        }
        connection.run(END_FIXED, LOCAL_NODE, filter.run);
        connection.run(END_AUTO, LOCAL_NODE, filter.run);
      });
    },
  };
}

function isSameHolder(a: LeaseRow, b: LeaseRow): boolean {
  const sameService = a.folder === b.folder && a.service.toLowerCase() === b.service.toLowerCase();
  return sameService && a.index === b.index && a.name === b.name;
}
