import { statSync } from 'node:fs';

/** What is wrong with the file that this process writes, as the end of "the registry …". */
export interface Misplaced {
  readonly why: string;
  /** Our connection still has what it wrote: the file has lost its name, not its content. */
  readonly isWhole: boolean;
}

interface Look {
  readonly id: string;
  readonly size: number;
  readonly written: bigint;
}

/**
 * Notices when another program takes the file away, puts another in its place, or writes into it. SQLite does not: it goes
 * on with what it has opened. In WAL mode the file itself changes only in a checkpoint, which is part of one of our own
 * transactions; so whatever changes between two of them is not our doing.
 */
export class OwnFile {
  readonly #file: string;
  #main: Look | null = null;
  readonly #companions = new Map<string, string>();

  constructor(file: string) {
    this.#file = file;
  }

  /** What is there now was written by us. */
  settle(): void {
    this.#main = lookAt(this.#file);
    for (const end of ['-wal', '-shm']) {
      const companion = lookAt(this.#file + end);
      if (companion) this.#companions.set(end, companion.id);
    }
  }

  /** null: it is as we left it. */
  look(): Misplaced | null {
    const before = this.#main;
    if (before === null) return null;
    const now = lookAt(this.#file);
    if (now === null) return { why: 'has been removed', isWhole: true };
    if (now.id !== before.id) return { why: 'has been replaced by another file', isWhole: true };
    if (now.size === 0) return { why: 'has been emptied', isWhole: false };
    if (now.size !== before.size || now.written !== before.written)
      return { why: 'has been overwritten by another program', isWhole: false };
    for (const [end, id] of this.#companions) {
      if (lookAt(this.#file + end)?.id !== id) return { why: `has lost its ${end} file`, isWhole: true };
    }
    return null;
  }
}

function lookAt(file: string): Look | null {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat ? { id: `${stat.dev}:${stat.ino}`, size: Number(stat.size), written: stat.mtimeNs } : null;
}
