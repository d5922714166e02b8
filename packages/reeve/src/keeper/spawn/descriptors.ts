import type { Channels } from '@reeve/contract';
import { SpawnRefused } from '../refusal.ts';

/** Which descriptor of the service is what. */
export interface Descriptors {
  /** Of the sockets that it is handed, in order: 3, 4, … as `LISTEN_FDS` has it. */
  readonly listen: readonly number[];
  readonly ready: number | null;
  readonly ipc: number | null;
  /** Where its wrapper reports; closed before the command runs. */
  readonly reports: number | null;
}

const FIRST = 3;
/** A shell takes one digit for a descriptor. Source: POSIX, redirection. */
const LAST_OF_SHELL = 9;

/** Throws {@link SpawnRefused} when what is wanted does not go together. */
export function planDescriptors(channels: Channels, isWrapped: boolean): Descriptors {
  const listen = channels.listen.map((_, n) => FIRST + n);
  const ready = channels.ready_fd;
  if (ready !== null && listen.includes(ready)) {
    const free = FIRST + listen.length;
    throw new SpawnRefused('EINVAL', `descriptor ${ready} is a listening socket: use { fd: ${free} } for readiness`);
  }
  const taken = new Set([...listen, ready]);
  const take = (candidates: readonly number[]): number => {
    const free = candidates.find((fd) => !taken.has(fd));
    if (free === undefined) throw new SpawnRefused('EMFILE', `too many sockets to hand over: ${listen.length}`);
    taken.add(free);
    return free;
  };
  const shells = Array.from({ length: LAST_OF_SHELL - FIRST + 1 }, (_, n) => LAST_OF_SHELL - n);
  const reports = isWrapped ? take(shells) : null;
  const ipc = channels.ipc ? take(Array.from({ length: listen.length + 3 }, (_, n) => FIRST + n)) : null;
  return { listen, ready, ipc, reports };
}
