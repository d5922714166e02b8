import type { Database, SqlRow, SqlValue, Statement } from './driver.ts';
import { explain, isDamage, isDiskFailure } from './failure.ts';
import type { Misplaced, OwnFile } from './own-file.ts';

/** How a write reaches the disk: `durable` waits for it, `usual` leaves that to the next checkpoint. */
export type Kind = 'durable' | 'usual';
const SYNCHRONOUS = { durable: 'FULL', usual: 'NORMAL' } as const;

export interface ConnectionOptions {
  readonly file: string;
  readonly isReadonly: boolean;
  /** Opens, sets up and checks the file; called again after a disk failure. Throws in the words of the catalogue. */
  readonly open: () => Database;
  /** Of a writer: tells when another program has taken the file away or changed it. */
  readonly place?: OwnFile;
}

/**
 * One connection to the registry: prepared statements, transactions, and SQLite's errors translated at this edge.
 * Everything in it is synchronous, so a transaction is never left open between two turns of the event loop.
 */
export class Connection {
  readonly file: string;
  readonly isReadonly: boolean;
  readonly #open: () => Database;
  #database: Database;
  #statements = new Map<string, Statement>();
  #synchronous: Kind | null = null;
  #isOpen = true;
  #isInTransaction = false;
  /** The first failure inside the present transaction: a caller that catches it cannot continue in half a transaction. */
  #failure: { readonly error: unknown } | null = null;
  #wantsDurable = false;
  /** The disk failed under it: what is written is unknown. */
  #isSuspect = false;
  readonly #place: OwnFile | null;
  #misplaced: Misplaced | null = null;

  constructor({ file, isReadonly, open, place }: ConnectionOptions) {
    this.file = file;
    this.isReadonly = isReadonly;
    this.#open = open;
    this.#database = open();
    this.#place = place ?? null;
    place?.settle();
  }

  /** What is wrong with the file under this connection; null: nothing that we know of. */
  get misplaced(): Misplaced | null {
    this.#misplaced ??= this.#isInTransaction ? null : (this.#place?.look() ?? null);
    return this.#misplaced;
  }

  /**
   * Leaves the file for another one at the same place. `makeWay` gives what lies there another name. The old connection
   * is closed after that and before the new file is there: closing deletes a WAL by its name.
   */
  replace(makeWay: (from: Database) => void, put: () => void): void {
    const old = this.#database;
    makeWay(old);
    this.#statements.clear();
    this.#synchronous = null;
    closeQuietly(old);
    put();
    this.#isSuspect = true; // until it is open
    this.#database = this.#open();
    this.#isSuspect = false;
    this.#misplaced = null;
    this.#place?.settle();
  }

  /** Returns how many rows were changed. */
  run(sql: string, ...values: readonly SqlValue[]): number {
    return Number(this.#guard('write', () => this.#prepare(sql).run(...values).changes));
  }
  get(sql: string, ...values: readonly SqlValue[]): SqlRow | undefined {
    return this.#guard('read', () => this.#prepare(sql).get(...values));
  }
  all(sql: string, ...values: readonly SqlValue[]): readonly SqlRow[] {
    return this.#guard('read', () => this.#prepare(sql).all(...values));
  }

  /**
   * Runs `work` in one transaction, whole or not at all. A call inside another one joins it; when it throws, the outer
   * one fails too, even if the error is caught on the way. `work` must not be async.
   */
  transaction<T>(kind: Kind, work: () => T): T {
    if (kind === 'durable') this.#wantsDurable = true;
    if (this.#isInTransaction) return this.#join(work);
    this.#wantsDurable = kind === 'durable';
    this.#begin(kind);
    try {
      const result = refusePromise(work());
      if (this.#failure) throw this.#failure.error;
      this.#guard('write', () => this.#database.exec('COMMIT'));
      this.#isInTransaction = false;
      if (this.#misplaced === null) this.#place?.settle();
      if (kind === 'usual' && this.#wantsDurable) this.#flush();
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#statements.clear();
    if (!this.isReadonly) moveWalIn(this.#database);
    this.#database.close();
  }

  #join<T>(work: () => T): T {
    try {
      return refusePromise(work());
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  #begin(kind: Kind): void {
    this.#misplaced ??= this.#place?.look() ?? null;
    if (this.#isSuspect) this.#openAgain();
    this.#failure = null;
    this.#guard('write', () => {
      if (this.isReadonly) return this.#database.exec('BEGIN');
      // SQLite does not let it be changed inside a transaction.
      if (this.#synchronous !== kind) this.#database.exec(`PRAGMA synchronous = ${SYNCHRONOUS[kind]}`);
      this.#synchronous = kind;
      // At once for writing: to find out later that another program writes would lose the work.
      this.#database.exec('BEGIN IMMEDIATE');
    });
    this.#isInTransaction = true;
  }

  #rollBack(): void {
    this.#isInTransaction = false;
    this.#failure = null;
    // SQLite has already rolled back by itself after some failures (a full disk).
    if (this.#isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  /** A durable write joined a usual transaction: one more commit, with the disk awaited, covers what is before it. */
  #flush(): void {
    this.transaction('durable', () =>
      this.run(
        `INSERT INTO facts (name, value) VALUES ('flushed', '1')
         ON CONFLICT DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)`,
      ),
    );
  }

  /** "Try fsync again" would say that all is well. The new connection is checked before the old one is given up. */
  #openAgain(): void {
    const fresh = this.#open();
    this.#statements.clear();
    this.#synchronous = null;
    this.#isSuspect = false;
    const old = this.#database;
    this.#database = fresh;
    closeQuietly(old);
    if (this.#misplaced === null) this.#place?.settle();
  }

  #prepare(sql: string): Statement {
    if (this.#failure) throw this.#failure.error;
    const known = this.#statements.get(sql);
    if (known) return known;
    const made = this.#database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  #guard<T>(doing: 'read' | 'write', act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (isDiskFailure(error)) this.#isSuspect = true;
      if (isDamage(error)) this.#misplaced ??= { why: `is damaged (${String(error)})`, isWhole: false };
      const explained = explain(error, this.file, doing);
      if (this.#isInTransaction) this.#failure ??= { error: explained };
      throw explained;
    }
  }
}

/** It was opened for a file that is gone or broken: whatever it says at its end changes nothing. */
function closeQuietly(database: Database): void {
  try {
    database.close();
  } catch {
    // Closed already, or the file under it is not what it was.
  }
}

function refusePromise<T>(result: T): T {
  if (result instanceof Promise) throw new TypeError('the work of a transaction must not be async');
  return result;
}

/** Leaves the file whole without its WAL. When it cannot (a reader, a full disk) the WAL stays, and nothing is lost. */
function moveWalIn(database: Database): void {
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // What is committed is in the WAL, and the next open reads it from there.
  }
}
