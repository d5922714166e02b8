import { closeSync, fstatSync, ftruncateSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import type { JournalRecord } from '@reeve/contract';
import { after, encode, openNew, openToAppend, type Timer } from '@reeve/host';
import { iso } from '../../base/instant.ts';
import { type NewRecord, type OpenRun, openRuns, parseJournal, retained, stillMattering } from './journal-fold.ts';

/** The file is rewritten when so many records in it have become superfluous. */
const SUPERFLUOUS = 256;
const NEWLINE = 10;
/** A full disk is asked again after so long (ms). */
const RETRY = 1000;

/**
 * What happened to the runs, in order, on disk before any daemon hears of it. A record survives the death of the keeper at
 * once (it is in the kernel); a power cut ends all runs anyway, so single records are not synced.
 */
export class Journal {
  readonly #file: string;
  readonly #report: (message: string) => void;
  #fd: number;
  #records: JournalRecord[] = [];
  #seq = 0;
  #inFile = 0;
  /** Bytes that a full disk has not taken yet. */
  #owed: Buffer = Buffer.alloc(0);
  #retry: Timer | null = null;
  /** Called with every new record, after it is written. */
  onRecord: (record: JournalRecord) => void = () => undefined;

  constructor(file: string, report: (message: string) => void) {
    this.#file = file;
    this.#report = report;
    this.#fd = openToAppend(file);
    const bytes = readFileSync(this.#fd);
    this.#records = parseJournal(bytes.toString('utf8'));
    this.#inFile = this.#records.length;
    this.#seq = this.#records.reduce((highest, { seq }) => Math.max(highest, seq), 0);
    const torn = bytes.length - (bytes.lastIndexOf(NEWLINE) + 1);
    if (torn > 0) ftruncateSync(this.#fd, bytes.length - torn);
  }

  get seq(): number {
    return this.#seq;
  }

  /** The runs that were spawned and not released. */
  get open(): readonly OpenRun[] {
    return openRuns(this.#records);
  }

  append(record: NewRecord): void {
    this.#seq += 1;
    const whole = { seq: this.#seq, at: iso(Date.now()), ...record } as JournalRecord;
    const kept = stillMattering(this.#records, record);
    if (kept !== this.#records) this.#records = [...kept];
    this.#records.push(whole);
    this.#inFile += 1;
    this.#write(Buffer.from(encode(whole)));
    this.#shorten();
    this.onRecord(whole);
  }

  since(seq: number): readonly JournalRecord[] {
    return this.#records.filter((record) => record.seq > seq);
  }

  /** Whether its name still leads to the file that it writes. */
  isInPlace(): boolean {
    const [opened, now] = [fstatSync(this.#fd), statSync(this.#file, { throwIfNoEntry: false })];
    return now?.ino === opened.ino && now.dev === opened.dev;
  }
  /** Writes the file anew from what is known. */
  putBack(): void {
    this.#rewrite();
  }

  /** A daemon knows records of a journal that has been lost: new ones must not look old to it. */
  atLeast(seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
  }

  acknowledge(seq: number): void {
    this.#records = [...retained(this.#records, seq)];
    this.#shorten();
  }

  #shorten(): void {
    if (this.#inFile - this.#records.length >= SUPERFLUOUS) this.#rewrite();
  }

  /** Never throws: a run must not suffer because its record cannot be written now. */
  #write(bytes: Buffer): void {
    this.#owed = this.#owed.length === 0 ? bytes : Buffer.concat([this.#owed, bytes]);
    try {
      while (this.#owed.length > 0) this.#owed = this.#owed.subarray(writeSync(this.#fd, this.#owed));
    } catch (error) {
      if (this.#retry === null) this.#report(`cannot write the journal: ${(error as Error).message}`);
      this.#retry ??= after(RETRY, () => {
        this.#retry = null;
        this.#write(Buffer.alloc(0));
      });
    }
  }

  #rewrite(): void {
    try {
      const fd = this.#written(`${this.#file}.tmp`);
      closeSync(this.#fd);
      this.#fd = fd;
      this.#inFile = this.#records.length;
      this.#owed = Buffer.alloc(0);
    } catch (error) {
      this.#report(`cannot shorten the journal: ${(error as Error).message}`); // it only stays longer than it need be
    }
  }

  /** The descriptor of a new file with what still matters, which is the journal from now on. */
  #written(tmp: string): number {
    rmSync(tmp, { force: true });
    const fd = openNew(tmp);
    try {
      let rest = Buffer.from(this.#records.map(encode).join(''));
      while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
      renameSync(tmp, this.#file);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }
}
