import { closeSync, constants, fchmodSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

export interface RotatingFileOptions {
  /** Bytes; a file that would grow beyond is set aside as `.1`. */
  readonly maxSize: number;
  /** How many are kept beside the present one: `.1` (the youngest) to `.keep`. */
  readonly keep: number;
  /** The line that tells, once there is room again, how many lines could not be written and why. */
  readonly lossLine: (lines: number, why: string) => string;
}

/**
 * An append-only file of ours (0600) that is written at once and never throws for want of room: what cannot be written
 * is counted, and told by a line of its own as soon as one fits. A log must not be what ends the daemon.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #options: RotatingFileOptions;
  #fd: number | null = null;
  #size = 0;
  #lost = 0;
  #why = '';
  /** The last write stopped in the middle of a line. */
  #isTorn = false;

  /** Throws what the system says when the file cannot be opened (`ELOOP`: it is a link). */
  constructor(path: string, options: RotatingFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#open();
    if (this.#size > options.maxSize) this.#rotate();
  }

  write(line: string): void {
    try {
      if (this.#fd === null) this.#open();
      if (this.#size > 0 && this.#size + line.length > this.#options.maxSize) this.#rotate();
      if (this.#lost > 0) this.#append(this.#options.lossLine(this.#lost, this.#why));
      this.#lost = 0;
      this.#append(line);
    } catch (error) {
      this.#lost++;
      this.#why = (error as NodeJS.ErrnoException).code ?? String(error);
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #append(line: string): void {
    const bytes = Buffer.from(this.#isTorn ? `\n${line}` : line);
    const written = writeSync(this.#fd as number, bytes);
    this.#size += written;
    this.#isTorn = written > 0 ? bytes[written - 1] !== 10 : this.#isTorn;
    if (written < bytes.length) throw Object.assign(new Error('only a part was written'), { code: 'ENOSPC' });
  }

  #open(): void {
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
    const fd = openSync(this.#path, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
    fchmodSync(fd, 0o600);
    this.#size = fstatSync(fd).size;
    this.#fd = fd;
  }

  #rotate(): void {
    const { keep } = this.#options;
    this.close();
    rmSync(`${this.#path}.${keep}`, { force: true });
    for (let n = keep - 1; n >= 1; n--) renameIfThere(`${this.#path}.${n}`, `${this.#path}.${n + 1}`);
    renameIfThere(this.#path, `${this.#path}.1`);
    this.#open();
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
