import { readdirSync, readlinkSync } from 'node:fs';
import type { ProcessIdentity } from '@reeve/contract';
import { identify } from './identity.ts';
import { otherThreads, readProc, readStat } from './proc-stat.ts';
import { commandOf, scanStats } from './process-table.ts';
import { userNameOf } from './users.ts';

/** A line of /proc/net that waits for peers: a listening TCP socket, or an unconnected UDP one. */
export interface ListeningSocket {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  readonly uid: number;
  readonly inode: number;
}
export interface SocketOwner {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly uid: number;
  readonly user: string;
  /** `null` when this user may not look at the holder's descriptors. */
  readonly process: ProcessIdentity | null;
  readonly command: string | null;
}

const TABLES = [
  ['tcp', 'tcp'],
  ['tcp6', 'tcp'],
  ['udp', 'udp'],
  ['udp6', 'udp'],
] as const;

/** Everything that listens in our network namespace. */
export function listSockets(): readonly ListeningSocket[] {
  return TABLES.flatMap(([file, protocol]) => parseSockets(readProc(`/proc/net/${file}`) ?? '', protocol));
}

/** The same with its owner, where we may know it. */
export function listListeners(): readonly SocketOwner[] {
  const sockets = listSockets();
  const owners = findOwners(new Set(sockets.map((socket) => socket.inode)));
  const names = new Map([...new Set(sockets.map((socket) => socket.uid))].map((uid) => [uid, userNameOf(uid)]));
  return sockets.map(({ inode, ...socket }) => {
    const pid = owners.get(inode);
    const process = pid === undefined ? null : identify(pid);
    const stat = process === null ? null : readStat(process.pid);
    return {
      ...socket,
      user: names.get(socket.uid) ?? String(socket.uid),
      process,
      command: stat === null ? null : commandOf(stat),
    };
  });
}

/** Source: proc(5), /proc/net/tcp. Established and closing sockets are left out. */
export function parseSockets(text: string, protocol: 'tcp' | 'udp'): readonly ListeningSocket[] {
  const waiting = protocol === 'tcp' ? '0A' : '07';
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , uid, , inode] = line.trim().split(/\s+/);
      const [host = '', port = ''] = local.split(':');
      if (state !== waiting || !/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/.test(host) || !/^\d+$/.test(inode ?? '')) return [];
      const address = decodeAddress(host);
      return [{ protocol, address, port: Number.parseInt(port, 16), uid: Number(uid), inode: Number(inode) }];
    });
}

/** An address as the kernel prints it: 32-bit words in the machine's (little-endian) order. */
export function decodeAddress(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)));
  if (bytes.length === 4) return bytes.join('.');
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (isMapped) return `::ffff:${bytes.slice(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1); // writes it the short way
}

/**
 * inode → pid, by the descriptors of every process we may look into. Of several holders the one that started first: the
 * others have inherited the socket. The lowest pid says nothing, since pids begin anew at the highest.
 */
function findOwners(wanted: ReadonlySet<number>): ReadonlyMap<number, number> {
  const owners = new Map<number, number>();
  for (const { pid } of scanStats().toSorted((a, b) => a.start - b.start)) {
    if (owners.size === wanted.size) break;
    for (const inode of socketsOf(pid)) if (wanted.has(inode) && !owners.has(inode)) owners.set(inode, pid);
  }
  return owners;
}

/** The inodes of the sockets a process holds; empty when it is gone or not ours to look into. */
export function socketsOf(pid: number): readonly number[] {
  const stat = readStat(pid);
  const [thread] = stat?.state === 'Z' && stat.threads > 1 ? otherThreads(pid) : [];
  return socketsIn(thread === undefined ? `/proc/${pid}/fd` : `/proc/${pid}/task/${thread}/fd`);
}

/** false: it is another user's, or may not be dumped: what it holds cannot be known. */
export function mayReadDescriptors(pid: number): boolean {
  try {
    readdirSync(`/proc/${pid}/fd`);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'EACCES' && code !== 'EPERM';
  }
}

function socketsIn(folder: string): readonly number[] {
  const inodes: number[] = [];
  try {
    for (const fd of readdirSync(folder)) {
      const target = readlinkSync(`${folder}/${fd}`);
      if (target.startsWith('socket:[')) inodes.push(Number(target.slice(8, -1)));
    }
  } catch {
    // It ended or closed the descriptor while we looked, or it is another user's: what was seen still holds.
  }
  return inodes;
}
