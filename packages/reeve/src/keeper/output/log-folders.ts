import { LOG_STREAMS, type LogSpec } from '@reeve/contract';
import { Compressor } from './compressor.ts';
import { LogFolder, type LogWorld } from './log-folder.ts';

/** `max_age` is looked at so often (ms), beside every rotation. */
const TIDY = 10 * 60_000;
/** Whether the files of silent services are still there is looked at so often (ms). */
const CHECK = 3000;

/** The log folders in use: two runs of one instance (an old one that is being stopped, its successor) share one. */
export class LogFolders {
  readonly #world: LogWorld;
  readonly #open = new Map<string, { readonly folder: LogFolder; users: number }>();

  constructor(report: (message: string) => void) {
    this.#world = { report, compressor: new Compressor(report) };
    setInterval(() => this.#tidy(), TIDY).unref();
    setInterval(() => this.#check(), CHECK).unref();
  }

  use(path: string, rotation: LogSpec): LogFolder {
    const known = this.#open.get(path);
    if (known !== undefined) {
      known.users += 1;
      known.folder.rotation = rotation;
      return known.folder;
    }
    const folder = new LogFolder(path, rotation, this.#world);
    this.#open.set(path, { folder, users: 1 });
    return folder;
  }

  leave(path: string): void {
    const known = this.#open.get(path);
    if (known === undefined) return;
    known.users -= 1;
    if (known.users > 0) return;
    known.folder.close();
    this.#open.delete(path);
  }

  #check(): void {
    for (const { folder } of this.#open.values()) folder.check();
  }

  #tidy(): void {
    for (const [path, { folder }] of this.#open) {
      try {
        for (const stream of LOG_STREAMS) folder.tidy(stream);
      } catch (error) {
        this.#world.report(`cannot tidy ${path}: ${(error as Error).message}`); // its folder is gone, for example
      }
    }
  }
}
