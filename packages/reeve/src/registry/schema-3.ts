/**
 * Version 3: the audit trail may lose its oldest rows, and nothing else. A row of `audit_cuts` says up to which row, with
 * the hash of that row: the chain of the rows that stay begins at it. Inserting such a row is the one way to remove rows;
 * the newest row always stays, so that numbers and chain continue.
 */
export const schema3: readonly string[] = [
  `CREATE TABLE audit_cuts (
    node TEXT NOT NULL DEFAULT 'local',
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (node, seq)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TRIGGER audit_cut_names_a_row BEFORE INSERT ON audit_cuts
    WHEN NOT EXISTS (SELECT 1 FROM audit WHERE node = NEW.node AND seq = NEW.seq AND hash = NEW.hash)
      OR NEW.seq >= (SELECT max(seq) FROM audit WHERE node = NEW.node)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is cut at one of its rows, and its newest row stays'); END`,
  `CREATE TRIGGER audit_cut_is_not_changed BEFORE UPDATE ON audit_cuts
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`,
  `CREATE TRIGGER audit_cut_is_not_deleted BEFORE DELETE ON audit_cuts
    WHEN NOT EXISTS (SELECT 1 FROM audit_cuts WHERE node = OLD.node AND seq > OLD.seq)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`,
  'DROP TRIGGER audit_is_not_deleted',
  `CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
    WHEN NOT EXISTS (SELECT 1 FROM audit_cuts WHERE node = OLD.node AND seq >= OLD.seq)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`,
  `CREATE TRIGGER audit_is_cut AFTER INSERT ON audit_cuts
    BEGIN
      DELETE FROM audit WHERE node = NEW.node AND seq <= NEW.seq;
      DELETE FROM audit_cuts WHERE node = NEW.node AND seq < NEW.seq;
    END`,
];
