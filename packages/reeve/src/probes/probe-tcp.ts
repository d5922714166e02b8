import { connect, type Socket } from 'node:net';
import type { TcpCheck } from '@reeve/contract';
import { after } from '@reeve/host';
import type { ProbeTarget } from '../core/interfaces.ts';
import { type Attempt, failed, failedSocket, firstToAccept, type Outcome, placeOf, reasonOf } from './outcome.ts';
import { findOwn, type WhoHolds } from './own-listener.ts';

interface Address {
  /** null: a port alone. */
  readonly host: string | null;
  readonly port: number;
}

/**
 * Whether a connection can be made. It is a weak answer: the kernel accepts for a listener that never will (FAULTS
 * HC1). A port alone is asked where the service itself listens on it; an address is asked as it is.
 */
export async function probeTcp(
  check: TcpCheck,
  target: ProbeTarget,
  whoHolds: WhoHolds,
  signal: AbortSignal,
): Promise<Outcome> {
  const address = parseAddress(check.address);
  if (address === null) return failed(`not a port and not host:port: ${check.address}`);
  const { host, port } = address;
  const hosts = host === null ? await findOwn(port, target, whoHolds, signal) : [host];
  if ('ok' in hosts) return hosts;
  return firstToAccept(hosts, (each) => attempt(each, port, signal));
}

/** null: it is not an address. */
export function parseAddress(text: string): Address | null {
  const alone = /^\d{1,5}$/.test(text);
  const match = alone ? null : /^(?:\[([^\]]+)\]|(.+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? null;
  const port = Number(alone ? text : match?.[3]);
  return port >= 1 && port <= 65535 ? { host, port } : null;
}

function attempt(host: string, port: number, signal: AbortSignal): Promise<Attempt> {
  const where = placeOf(host, port);
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const abort = (): void => settle(failed(`${where}: ${reasonOf(signal)}`));
    const settle = (outcome: Attempt): void => {
      signal.removeEventListener('abort', abort);
      if (outcome.ok) leave(socket);
      else socket.destroy();
      resolve(outcome);
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    socket.on('error', (error) => settle(failedSocket(error, where)));
    socket.on('connect', () => {
      // The kernel may pick the very port as the local one, and the socket connects to itself: nothing is listening there.
      const isItself = socket.localPort === port && socket.localAddress === socket.remoteAddress;
      settle(isItself ? failed(`connection refused on ${where}`) : { ok: true, what: `connected to ${where}` });
    });
  });
}

/** How long a server has to end its side, and to say what it wants to say. Milliseconds. */
const FAREWELL = 2_000;

/** An orderly end, reading what comes: a server that greets would otherwise meet a reset, of which some die. */
function leave(socket: Socket): void {
  const limit = after(FAREWELL, () => socket.destroy()).unref();
  socket.once('close', limit.cancel);
  socket.resume();
  socket.end();
}
