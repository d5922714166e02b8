import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type LogReader, readerName } from '@reeve/contract';
import { identify, refuseLink } from '@reeve/host';

/** Says in a log's folder how far this process has read, so that the keeper waits for it. */
export class ReaderPlace {
  readonly #file: string;
  #said = '';

  /** The folder is made where it is missing. */
  constructor(folder: string) {
    refuseLink(folder);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#file = path.join(folder, readerName(process.pid));
  }

  say({ out, err }: Pick<LogReader, 'out' | 'err'>): void {
    const text = JSON.stringify({ process: identify(process.pid), out, err });
    if (text === this.#said) return;
    this.#said = text;
    const draft = `${this.#file}.new`;
    rmSync(draft, { force: true });
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    renameSync(draft, this.#file);
  }

  /** It reads no more. */
  leave(): void {
    rmSync(this.#file, { force: true });
  }
}
