import { LOCAL_NODE } from '@reeve/contract';
import type { AnnouncementRow, Registry } from '../core/registry.ts';
import type { TableContext } from './context.ts';
import type { SqlRow } from './driver.ts';
import { anything, Cells, toJson } from './rows.ts';

const SELECT = 'SELECT id, folder, service, owner, announcement, at FROM announcements WHERE node = ?';
const ALL = `${SELECT} ORDER BY at, id`;
const ONE = `${SELECT} AND id = ?`;
const SAVE = `
  INSERT INTO announcements (node, id, folder, service, owner, announcement, at, created_at, updated_at)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
  ON CONFLICT (node, id) DO UPDATE SET folder = excluded.folder, service = excluded.service, owner = excluded.owner,
    announcement = excluded.announcement, at = excluded.at, updated_at = excluded.updated_at`;

export function announcementsTable({ connection, clock }: TableContext): Registry['announcements'] {
  const read = (row: SqlRow): AnnouncementRow => {
    const cells = new Cells(row, { file: connection.file, table: 'announcements', key: ['id'] });
    return {
      id: cells.text('id'),
      folder: cells.text('folder'),
      service: cells.text('service'),
      owner: cells.json('owner', anything),
      announcement: cells.json('announcement', anything),
      at: cells.integer('at'),
    };
  };
  return {
    all: () => connection.all(ALL, LOCAL_NODE).map(read),
    get: (id) => {
      const found = connection.get(ONE, LOCAL_NODE, id);
      return found ? read(found) : null;
    },
    save: ({ id, folder, service, owner, announcement, at }) => {
      connection.run(SAVE, LOCAL_NODE, id, folder, service, toJson(owner), toJson(announcement), at, clock.now());
    },
    remove: (id) => {
      connection.run('DELETE FROM announcements WHERE node = ? AND id = ?', LOCAL_NODE, id);
    },
  };
}
