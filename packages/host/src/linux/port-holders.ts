import type { ProcessIdentity } from '@reeve/contract';
import { identify } from './identity.ts';
import { readStat } from './proc-stat.ts';
import { commandOf, listPids, uidOf } from './process-table.ts';
import { type ListeningSocket, listSockets, socketsOf } from './sockets.ts';
import { userNameOf } from './users.ts';

/** A process that holds a socket on which a port is listened on. */
export interface PortHolder extends Omit<ListeningSocket, 'inode'> {
  readonly user: string;
  /** null: another user's, whose descriptors we may not look at; `uid` is then the socket's. */
  readonly process: ProcessIdentity | null;
  readonly command: string | null;
}

/**
 * Every process that holds the port: IPv4 and IPv6, TCP and UDP, several sockets of one port (SO_REUSEPORT), and several
 * processes of one socket (a server that forks): as long as one of them lives, the port is taken.
 */
export function portHolders(port: number): readonly PortHolder[] {
  const sockets = listSockets().filter((socket) => socket.port === port);
  if (sockets.length === 0) return [];
  const wanted = new Set(sockets.map(({ inode }) => inode));
  const holders = new Map<number, number[]>();
  for (const pid of listPids()) {
    for (const inode of new Set(socketsOf(pid))) {
      if (wanted.has(inode)) holders.set(inode, [...(holders.get(inode) ?? []), pid]);
    }
  }
  return sockets.flatMap(({ inode, ...socket }) => {
    const pids = holders.get(inode) ?? [];
    const found = pids.flatMap((pid) => holderOf(socket, pid));
    return found.length > 0 ? found : [{ ...socket, user: userNameOf(socket.uid), process: null, command: null }];
  });
}

function holderOf(socket: Omit<ListeningSocket, 'inode'>, pid: number): readonly PortHolder[] {
  const process = identify(pid);
  const stat = readStat(pid);
  if (process === null || stat === null) return [];
  const uid = uidOf(pid);
  return [{ ...socket, uid, user: userNameOf(uid), process, command: commandOf(stat) }];
}
