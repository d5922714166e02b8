import { parseSockets, readProc } from '@reeve/host';

/** Whether anybody on this machine listens on a port, for IPv4 or IPv6: by the kernel's table, without asking who. */
export function isListenedOn(port: number, protocol: 'tcp' | 'udp'): boolean {
  return [protocol, `${protocol}6`].some((table) =>
    parseSockets(readProc(`/proc/net/${table}`) ?? '', protocol).some((socket) => socket.port === port),
  );
}
