import { isLiveState, mayReadDescriptors, readStat, type Stat, socketsOf } from '@reeve/host';
import type { RunListener } from '../core/interfaces.ts';
import type { SocketTable } from './held-ports.ts';

/** Where processes are looked for: those that are known without a look at all others, and all. */
export interface Around {
  readonly near: () => readonly Stat[];
  readonly all: () => Promise<{ readonly members: readonly Stat[]; readonly others: readonly Stat[] }>;
}

type Holder = Pick<Stat, 'pid' | 'start'> & { readonly isOurs: boolean };

/**
 * Which of the listening sockets are a run's. Descriptors are read only while a socket's holder is not known, of the
 * nearest processes first: readiness is asked often, and of many services at once.
 */
export class RunListening {
  readonly #table: SocketTable;
  readonly #around: Around;
  /** By inode: who was seen to hold it. */
  readonly #holders = new Map<number, Holder>();

  constructor(table: SocketTable, around: Around) {
    this.#table = table;
    this.#around = around;
  }

  async look(ports: readonly number[]): Promise<readonly RunListener[]> {
    const sockets = this.#table.read().filter(({ port, protocol }) => protocol === 'tcp' && ports.includes(port));
    if (sockets.length === 0) return [];
    const inodes = sockets.map(({ inode }) => inode);
    this.#forgetEnded();
    const isKnown = (port: number) => sockets.some((one) => one.port === port && this.#isOurs(one.inode));
    const isEnough = () => sockets.every(({ port }) => isKnown(port));
    if (!isEnough()) this.#note(this.#around.near(), inodes, true);
    const isHiding = !isEnough() && (await this.#lookAtAll(inodes));
    return sockets.map(({ port, address, inode }): RunListener => {
      const holder = this.#holders.get(inode);
      if (holder === undefined) return { port, address, holder: isHiding ? 'hidden' : 'other' };
      return { port, address, holder: holder.isOurs ? 'run' : 'other' };
    });
  }

  /** Returns whether a member may not be looked into. Only then it matters what other processes hold. */
  async #lookAtAll(inodes: readonly number[]): Promise<boolean> {
    const { members, others } = await this.#around.all();
    this.#note(members, inodes, true);
    if (inodes.every((inode) => this.#holders.has(inode))) return false;
    const isHiding = members.some(({ pid }) => !mayReadDescriptors(pid));
    if (isHiding) this.#note(others, inodes, false);
    return isHiding;
  }

  /** A socket that a member holds is the run's, even if others have inherited it. */
  #note(stats: readonly Stat[], inodes: readonly number[], isOurs: boolean): void {
    for (const { pid, start } of stats) {
      for (const inode of socketsOf(pid)) {
        if (inodes.includes(inode) && !this.#isOurs(inode)) this.#holders.set(inode, { pid, start, isOurs });
      }
    }
  }

  #isOurs(inode: number): boolean {
    return this.#holders.get(inode)?.isOurs === true;
  }

  #forgetEnded(): void {
    for (const [inode, { pid, start }] of this.#holders) {
      const stat = readStat(pid);
      if (stat === null || stat.start !== start || !isLiveState(stat)) this.#holders.delete(inode);
    }
  }
}
