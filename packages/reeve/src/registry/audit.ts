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
    newest: (limit) => connection.all(NEWEST, LOCAL_NODE, limit).map(read),
  };
}
