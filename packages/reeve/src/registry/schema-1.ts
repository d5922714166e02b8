/**
 * Every key begins with `node`, so that a fleet needs no new tables. Names compare without regard to case, as they must
 * be unique. Times are milliseconds since 1970; JSON is text, parsed when read. The environment of services is in here:
 * the file is 0600.
 *
 * Instances, runs and leases do not refer to their service by a foreign key: what is written late about a service that
 * is already forgotten must not keep everything else of its transaction from being written.
 */
export const schema1: readonly string[] = [
  `CREATE TABLE projects (
    node TEXT NOT NULL DEFAULT 'local',
    folder TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    config TEXT,
    env TEXT NOT NULL,
    env_files TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (node, folder),
    UNIQUE (node, name)
  ) STRICT, WITHOUT ROWID`,

  // `id` is the service's for good: a config entry of the same name takes over and keeps it.
  `CREATE TABLE services (
    node TEXT NOT NULL DEFAULT 'local',
    folder TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    id TEXT NOT NULL,
    spec TEXT NOT NULL,
    environment TEXT NOT NULL,
    managed_by TEXT NOT NULL CHECK (managed_by IN ('config', 'announced', 'adopted', 'registered', 'seed')),
    data TEXT NOT NULL,
    in_config INTEGER NOT NULL CHECK (in_config IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (node, folder, name),
    UNIQUE (node, id),
    FOREIGN KEY (node, folder) REFERENCES projects (node, folder) DEFERRABLE INITIALLY DEFERRED
  ) STRICT, WITHOUT ROWID`,

  `CREATE TABLE intents (
    node TEXT NOT NULL DEFAULT 'local',
    folder TEXT NOT NULL,
    service TEXT NOT NULL COLLATE NOCASE,
    want TEXT NOT NULL CHECK (want IN ('up', 'down')),
    generation INTEGER NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    PRIMARY KEY (node, folder, service)
  ) STRICT, WITHOUT ROWID`,

  `CREATE TABLE instances (
    node TEXT NOT NULL DEFAULT 'local',
    folder TEXT NOT NULL,
    service TEXT NOT NULL COLLATE NOCASE,
    "index" INTEGER NOT NULL CHECK ("index" >= 0),
    state TEXT NOT NULL,
    reason TEXT,
    restarts INTEGER NOT NULL,
    machine TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (node, folder, service, "index")
  ) STRICT, WITHOUT ROWID`,

  // `seq`: the order in which runs began, whatever the clock did.
  `CREATE TABLE runs (
    node TEXT NOT NULL DEFAULT 'local',
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    folder TEXT NOT NULL,
    service TEXT NOT NULL COLLATE NOCASE,
    "index" INTEGER NOT NULL CHECK ("index" >= 0),
    generation INTEGER NOT NULL,
    id TEXT NOT NULL,
    marks TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ready_at INTEGER,
    ended_at INTEGER,
    exit TEXT,
    PRIMARY KEY (node, run),
    UNIQUE (node, seq)
  ) STRICT, WITHOUT ROWID`,
  `CREATE INDEX runs_of_instance ON runs (node, folder, service, "index", seq)`,
  `CREATE INDEX runs_open ON runs (node, seq) WHERE ended_at IS NULL`,

  `CREATE TABLE events (
    node TEXT NOT NULL DEFAULT 'local',
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    folder TEXT NOT NULL,
    project TEXT NOT NULL,
    service TEXT COLLATE NOCASE,
    instance INTEGER,
    run TEXT,
    event TEXT NOT NULL,
    message TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (node, seq)
  ) STRICT, WITHOUT ROWID`,
  `CREATE INDEX events_of_service ON events (node, folder, service, seq)`,
  `CREATE INDEX events_by_time ON events (node, at)`,

  `CREATE TABLE port_leases (
    node TEXT NOT NULL DEFAULT 'local',
    protocol TEXT NOT NULL CHECK (protocol IN ('tcp', 'udp')),
    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    folder TEXT NOT NULL,
    service TEXT NOT NULL COLLATE NOCASE,
    "index" INTEGER NOT NULL CHECK ("index" >= 0),
    name TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('fixed', 'auto')),
    run TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (node, protocol, port)
  ) STRICT, WITHOUT ROWID`,
  `CREATE INDEX port_leases_of_service ON port_leases (node, folder, service, "index")`,

  `CREATE TABLE announcements (
    node TEXT NOT NULL DEFAULT 'local',
    id TEXT NOT NULL,
    folder TEXT NOT NULL,
    service TEXT NOT NULL COLLATE NOCASE,
    owner TEXT NOT NULL,
    announcement TEXT NOT NULL,
    at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (node, id)
  ) STRICT, WITHOUT ROWID`,

  // `prev` and `hash` chain the rows; `boot` and `monotonic` order them when the clock went back.
  `CREATE TABLE audit (
    node TEXT NOT NULL DEFAULT 'local',
    seq INTEGER NOT NULL,
    boot TEXT NOT NULL,
    monotonic INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    reason TEXT,
    outcome TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (node, seq)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`,
  `CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`,
  // INSERT OR REPLACE deletes without asking the trigger above.
  `CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
    WHEN NEW.seq <= (SELECT max(seq) FROM audit WHERE node = NEW.node)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END`,

  `CREATE TABLE facts (
    node TEXT NOT NULL DEFAULT 'local',
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (node, name)
  ) STRICT, WITHOUT ROWID`,
];
