import { createHash } from 'node:crypto';
import { LOCAL_NODE } from '@reeve/contract';
import type { AuditRow, Registry } from '../core/registry.ts';
import type { TableContext } from './context.ts';
import type { SqlRow } from './driver.ts';
import { Cells } from './rows.ts';

const LAST = 'SELECT seq, hash FROM audit WHERE node = ? ORDER BY seq DESC LIMIT 1';
const APPEND = `
  INSERT INTO audit (node, seq, boot, monotonic, at, actor, action, target, reason, outcome, prev, hash)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const NEWEST = `
  SELECT seq, at, actor, action, target, reason, outcome FROM audit WHERE node = ? ORDER BY seq DESC LIMIT ?`;
const OLDEST = 'SELECT seq, at FROM audit WHERE node = ? ORDER BY seq LIMIT ?';
/** The one statement that removes rows: the schema sees to it that only the oldest go, up to this one. */
const CUT = `
  INSERT INTO audit_cuts (node, seq, hash, at) SELECT node, seq, hash, ?3 FROM audit WHERE node = ?1 AND seq = ?2`;
const BOOT = `SELECT value FROM facts WHERE node = ? AND name = 'boot'`;

/** A stored row as the hash covers it, in this order. */
interface AuditEntry extends AuditRow {
  readonly node: string;
  readonly seq: number;
  /** The kernel's boot id, as the fact `boot` has it; empty before the first daemon knew it. */
  readonly boot: string;
  /** Milliseconds since boot. */
  readonly monotonic: number;
}

/** SHA-256 over the hash of the row before (empty for the first) and the row itself. */
function auditHash(prev: string, entry: AuditEntry): string {
  const { node, seq, boot, monotonic, at, actor, action, target, reason, outcome } = entry;
  const covered = [prev, node, seq, boot, monotonic, at, actor, action, target, reason, outcome];
  return createHash('sha256').update(JSON.stringify(covered)).digest('hex');
}

export function auditTable({ connection, clock }: TableContext): Registry['audit'] {
  const read = (row: SqlRow): AuditRow => {
    const cells = new Cells(row, { file: connection.file, table: 'audit', key: ['seq'] });
    return {
      at: cells.integer('at'),
      actor: cells.text('actor'),
      action: cells.text('action'),
      target: cells.text('target'),
      reason: cells.textOrNull('reason'),
      outcome: cells.text('outcome'),
    };
  };
  const append = (row: AuditRow): void => {
    const last = connection.get(LAST, LOCAL_NODE);
    const prev = last ? String(last['hash']) : '';
    const seq = last ? Number(last['seq']) + 1 : 1;
    const boot = String(connection.get(BOOT, LOCAL_NODE)?.['value'] ?? '');
    const monotonic = Math.floor(clock.monotonic());
    const { at, actor, action, target, reason, outcome } = row;
    const hash = auditHash(prev, { ...row, node: LOCAL_NODE, seq, boot, monotonic });
    const values = [LOCAL_NODE, seq, boot, monotonic, at, actor, action, target, reason, outcome, prev, hash];
    connection.run(APPEND, ...values);
  };
  return {
    // As durable as the command that it is about: within its transaction.
    append: (row) => connection.transaction('usual', () => append(row)),
    prune: ({ before, kept, most }) =>
      connection.transaction('usual', () => {
        const newest = Number(connection.get(LAST, LOCAL_NODE)?.['seq'] ?? 0);
        const oldest = connection.all(OLDEST, LOCAL_NODE, most).map((row) => {
          return { seq: Number(row['seq']), isOld: Number(row['at']) < before };
        });
        const end = oldest.findIndex(({ seq, isOld }) => seq === newest || (!isOld && seq > newest - kept));
        const removed = end === -1 ? oldest : oldest.slice(0, end);
        const last = removed.at(-1);
        if (last) connection.run(CUT, LOCAL_NODE, last.seq, clock.now());
        return removed.length;
      }),
    newest: (limit) => connection.all(NEWEST, LOCAL_NODE, limit).map(read),
  };
}
