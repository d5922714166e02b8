import { LOG_STREAMS, type LogSpec } from '@reeve/contract';
import type { Beat } from '../../base/beat.ts';
import { Compressor } from './compressor.ts';
import { LogFolder, type LogWorld } from './log-folder.ts';

/** `max_age` is looked at so often (ms), beside every rotation. */
const TIDY = 10 * 60_000;
/** Whether the files of silent services are still there is looked at so often (ms). */
const CHECK = 3000;
/** So many folders, of four files each, are closed at once where descriptors are short. */
const SPARED = 4;

/** The log folders in use: two runs of one instance (an old one that is being stopped, its successor) share one. */
export class LogFolders {
  readonly #world: LogWorld;
  readonly #open = new Map<string, { readonly folder: LogFolder; users: number }>();

  constructor(report: (message: string) => void, beat: Beat) {
    this.#world = {
      report,
      compressor: new Compressor(report),
      spareDescriptors: (but) => this.spareDescriptors(but),
    };
    beat.every(TIDY, () => this.#tidy());
    beat.every(CHECK, () => this.#check());
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

  /** For a process that has no descriptor left: their next write opens them again. false: none was open. */
  spareDescriptors(but: LogFolder | null = null): boolean {
    const open = [...this.#open.values()].map(({ folder }) => folder).filter((each) => each !== but && each.isOpen);
    const idle = open.sort((a, b) => a.lastWrite - b.lastWrite).slice(0, SPARED);
    for (const folder of idle) folder.close();
    return idle.length > 0;
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
