import { closeSync } from 'node:fs';
import type { HeldSocket } from '@reeve/contract';
import { loadSyscalls } from '@reeve/host';
import { Refused, SpawnRefused } from '../refusal.ts';

/** As many connections as the system lets wait. Source: listen(2), cut to net.core.somaxconn. */
const MOST_WAITING = 65_535;

/** The listening sockets that outlive their services: held, handed over, never accepted from. */
export class HeldSockets {
  readonly #held = new Map<string, { readonly socket: HeldSocket; readonly fd: number }>();

  get all(): readonly HeldSocket[] {
    return [...this.#held.values()].map(({ socket }) => socket);
  }

  /** Throws {@link SpawnRefused} with the errno (`EADDRINUSE`, …), {@link Refused} for another address of the same key. */
  hold({ key, host, port, backlog }: HeldSocket & { readonly backlog: number | null }): HeldSocket {
    const known = this.#held.get(key)?.socket;
    if (known !== undefined) {
      if (known.host === host && (port === 0 || known.port === port)) return known;
      throw new Refused('BAD_REQUEST', `${key} listens on ${known.host} port ${known.port} already`);
    }
    const binding = loadSyscalls();
    if (!binding.available) throw new SpawnRefused('ENOSYS', `no socket can be held: ${binding.why}`);
    const { fd, port: own } = listening(() =>
      binding.calls.listenTcp({ host, port, backlog: backlog ?? MOST_WAITING }),
    );
    const socket = { key, host, port: own };
    this.#held.set(key, { socket, fd });
    return socket;
  }

  /** false: it is not held. */
  drop(key: string): boolean {
    const held = this.#held.get(key);
    if (held === undefined) return false;
    closeSync(held.fd);
    return this.#held.delete(key);
  }

  /** Throws {@link SpawnRefused} for a socket that is not held. */
  descriptorOf(key: string): number {
    const held = this.#held.get(key);
    if (held === undefined) throw new SpawnRefused('EBADF', `no listening socket ${key} is held`);
    return held.fd;
  }
}

function listening<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SpawnRefused(code ?? 'EINVAL', message);
  }
}
