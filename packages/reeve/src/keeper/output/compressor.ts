import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { rename, rm, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after } from '@reeve/host';

/**
 * A closed segment rests this long before it is compressed: at full speed it is removed by `max_files` long before,
 * and compressing it would have cost more than all the copying.
 */
const REST = 2000;
/** Text of logs shrinks nearly as well as at 6, for a third of the time. */
const LEVEL = 3;

/** Compresses closed segments, one at a time for the whole keeper, in the background. */
export class Compressor {
  readonly #rest: number;
  readonly #report: (message: string) => void;
  readonly #queued = new Set<string>();
  #work: Promise<void> = Promise.resolve();

  constructor(report: (message: string) => void, rest = REST) {
    this.#report = report;
    this.#rest = rest;
  }

  /** `file`: absolute path of a closed plain segment. It may vanish before its turn comes. */
  add(file: string): void {
    if (this.#queued.has(file)) return;
    this.#queued.add(file);
    const timer = after(this.#rest, () => {
      this.#work = this.#work.then(() => this.#compress(file));
    });
    timer.unref();
  }

  async #compress(file: string): Promise<void> {
    this.#queued.delete(file);
    try {
      await compress(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#report(`cannot compress ${path.basename(file)}: ${(error as Error).message}`);
      }
      await rm(`${file}.gz.tmp`, { force: true }).catch((failure: Error) => {
        this.#report(`cannot remove what was left of it: ${failure.message}`); // the next keeper removes it
      });
    }
  }
}

/** `x.log` → `x.log.gz`, keeping the time of the last write. The plain file goes only when the other is complete. */
async function compress(file: string): Promise<void> {
  const { createGzip } = await import('node:zlib');
  const tmp = `${file}.gz.tmp`;
  const { mtime } = statSync(file);
  await rm(tmp, { force: true }); // of a keeper that was killed; whatever it is, nothing is written through it
  await pipeline(
    createReadStream(file),
    createGzip({ level: LEVEL }),
    createWriteStream(tmp, { mode: 0o600, flags: 'wx' }),
  );
  await utimes(tmp, mtime, mtime);
  await rename(tmp, `${file}.gz`);
  await unlink(file).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    await unlink(`${file}.gz`); // it was removed by rotation meanwhile: its compressed form must not come back
  });
}
