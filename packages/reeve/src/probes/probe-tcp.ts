import { connect, type Socket } from 'node:net';
import type { TcpCheck } from '@reeve/contract';
import { after } from '@reeve/host';
import { explain, failed, type Outcome, reasonOf } from './outcome.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Whether a connection can be made. It is a weak answer: the kernel accepts for a listener that never will (FAULTS
 * HC1). A port alone is asked at 127.0.0.1, then at ::1.
 */
export async function probeTcp(check: TcpCheck, signal: AbortSignal): Promise<Outcome> {
  const addresses = parseAddress(check.address);
  const [first] = addresses;
  if (!first) return failed(`not a port and not host:port: ${check.address}`);
  let answer = await attempt(first, signal);
  for (const address of addresses.slice(1)) {
    if (answer.ok || signal.aborted) break;
    const other = await attempt(address, signal);
    // That the machine has no IPv6 is not news: the first answer is.
    if (other.ok) answer = other;
  }
  return answer;
}

/** None: it is not an address. */
export function parseAddress(text: string): readonly Address[] {
  const alone = /^\d{1,5}$/.test(text);
  const match = alone ? null : /^(?:\[([^\]]+)\]|(.+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(alone ? text : match?.[3]);
  if (!(port >= 1 && port <= 65535)) return [];
  if (alone) return ['127.0.0.1', '::1'].map((loopback) => ({ host: loopback, port }));
  return host === undefined ? [] : [{ host, port }];
}

function attempt({ host, port }: Address, signal: AbortSignal): Promise<Outcome> {
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const abort = (): void => settle(failed(`${where}: ${reasonOf(signal)}`));
    const settle = (outcome: Outcome): void => {
      signal.removeEventListener('abort', abort);
      if (outcome.ok) leave(socket);
      else socket.destroy();
      resolve(outcome);
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    socket.on('error', (error) => settle(failed(explain(error, where))));
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
