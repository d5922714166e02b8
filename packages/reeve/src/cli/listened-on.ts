import { listSockets } from '@reeve/host';

/** Whether a process listens on a port; the sockets are read once, when first asked for. */
export function isListenedOn(): (port: number, protocol: 'tcp' | 'udp') => boolean {
  let seen: ReturnType<typeof listSockets> | null = null;
  return (port, protocol) => {
    seen ??= listSockets();
    return seen.some((each) => each.port === port && each.protocol === protocol);
  };
}
