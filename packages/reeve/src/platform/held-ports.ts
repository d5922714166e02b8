import { type ListeningSocket, listSockets, type Stat, socketsOf } from '@reeve/host';
import type { Snapshot } from './proc-scan.ts';
import { NO_RUN } from './process-marks.ts';

/** What listens on this machine, read once for all who ask within a moment (ms). */
export interface SocketTable {
  read(): readonly ListeningSocket[];
}
const MOMENT = 15;

export function socketTable(): SocketTable {
  let at = -MOMENT;
  let last: readonly ListeningSocket[] = [];
  return {
    read() {
      if (performance.now() - at < MOMENT) return last;
      last = listSockets();
      at = performance.now();
      return last;
    },
  };
}

/**
 * The sockets that listen on the ports of one run. A port proves nothing: any program may listen there. A socket does: who
 * holds the one that a member was seen to hold has inherited it.
 */
export class HeldPorts {
  readonly #ports: ReadonlySet<number>;
  readonly #table: SocketTable;
  /** inode → a member that was seen to hold it. */
  readonly #proven = new Map<number, Pick<Stat, 'pid' | 'start'>>();

  constructor(ports: readonly number[], table: SocketTable) {
    this.#ports = new Set(ports);
    this.#table = table;
  }

  /** Remembers what these members hold. What a keeper holds it has handed to others too: that proves nothing. */
  note(members: readonly Stat[], keepers: readonly Stat[]): void {
    const unknown = new Set(this.#listening().filter((inode) => !this.#proven.has(inode)));
    if (unknown.size === 0) return;
    for (const { pid } of keepers) for (const inode of socketsOf(pid)) unknown.delete(inode);
    for (const { pid, start } of members) {
      for (const inode of socketsOf(pid)) {
        if (unknown.has(inode)) this.#proven.set(inode, { pid, start });
      }
    }
  }

  /**
   * Who holds such a socket although the member that held it has ended; only then the descriptors of all processes are looked
   * at. `isOurs`: nothing about it says that it is of another run.
   */
  heirs(snapshot: Snapshot, isOurs: (pid: number) => boolean): readonly Stat[] {
    const isAlive = ({ pid, start }: Pick<Stat, 'pid' | 'start'>) => snapshot.stats.get(pid)?.start === start;
    const lost = this.#listening().filter((inode) => {
      const holder = this.#proven.get(inode);
      return holder !== undefined && !isAlive(holder);
    });
    if (lost.length === 0) return [];
    return [...snapshot.stats.values()].filter(({ pid, start }) => {
      if (snapshot.traitsOf(pid).cookie === NO_RUN || !isOurs(pid)) return false;
      const held = socketsOf(pid).filter((inode) => lost.includes(inode));
      for (const inode of held) this.#proven.set(inode, { pid, start });
      return held.length > 0;
    });
  }

  #listening(): readonly number[] {
    if (this.#ports.size === 0) return [];
    return this.#table.read().flatMap(({ port, inode }) => (this.#ports.has(port) ? inode : []));
  }
}
