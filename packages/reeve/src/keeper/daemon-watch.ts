import type { JournalRecord, KeeperMessage, Stall } from '@reeve/contract';
import { BEAT, type Beat } from '../base/beat.ts';
import { onContinued } from '../base/on-continued.ts';
import { PeerWatch, type Silence } from '../base/peer-watch.ts';
import { stallOf, stopOf } from '../base/stall.ts';

/** The daemon's end of a connection, for a daemon that answers `watch`. */
interface WatchedDaemon {
  readonly pid: number;
  readonly send: (message: KeeperMessage) => void;
}

/** Stalls that no daemon has heard of yet: of these the newest are kept. */
const UNHEARD = 5;

/** Notices when the daemon's event loop stalls, and tells it, or the next one, once that is over. */
export class DaemonWatch {
  readonly #report: (message: string) => void;
  readonly #watch: PeerWatch;
  #daemon: WatchedDaemon | null = null;
  #unheard: Stall[] = [];

  constructor(beat: Beat, report: (message: string) => void) {
    this.#report = report;
    this.#watch = new PeerWatch({
      pid: () => this.#daemon?.pid ?? null,
      ask: () => this.#daemon?.send({ watch: true }),
      onSilent: ({ pid, doing, during }) =>
        report(`the daemon (pid ${pid}) does not answer: ${reasonOf(doing, during)}`),
      onOver: (silence, how) => this.#onOver(silence, how),
    });
    beat.every(BEAT, () => this.#watch.beat());
    onContinued(beat, (ms) => this.#onContinued(ms));
  }

  greeted(daemon: WatchedDaemon): void {
    this.gone();
    this.#daemon = daemon;
    this.#tell();
  }

  /** A stall that ends with it is for the next one: it must not be sent to the one that has gone. */
  gone(): void {
    this.#daemon = null;
    this.#watch.gone();
  }

  heard(): void {
    this.#watch.heard();
  }
  busy(what: string): void {
    this.#watch.stir(what);
  }
  told({ kind }: JournalRecord): void {
    this.#watch.stir(`the keeper's record "${kind}"`);
  }

  #onOver(silence: Silence, end: 'answered' | 'gone'): void {
    const { pid, ms } = silence;
    this.#report(`the daemon (pid ${pid}) ${end === 'gone' ? 'is gone' : 'answers again'}, after ${Math.round(ms)} ms`);
    this.#stalled(stallOf('daemon', silence, end));
  }

  /** The daemon has usually seen it; what it has seen it does not write down twice. */
  #onContinued(most: number): void {
    this.#stalled(stopOf('keeper', most));
  }

  #stalled(stall: Stall): void {
    this.#unheard = [...this.#unheard, stall].slice(-UNHEARD);
    this.#tell();
  }

  #tell(): void {
    if (this.#daemon === null) return;
    for (const stalled of this.#unheard.splice(0)) this.#daemon.send({ stalled });
  }
}

function reasonOf(doing: string, during: string | null): string {
  return during === null ? `it is ${doing}` : `it is ${doing}; last begun: ${during}`;
}
