import { listSockets } from './linux/sockets.ts';

/** Whether any process on this machine listens on a port, for IPv4 or IPv6: by the kernel's table, without asking who. */
export function isListenedOn(port: number, protocol?: 'tcp' | 'udp'): boolean {
  return listSockets().some((each) => each.port === port && (protocol === undefined || each.protocol === protocol));
}
