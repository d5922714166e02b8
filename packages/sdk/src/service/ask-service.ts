import { connect } from 'node:net';
import {
  ReeveError,
  SERVICE_PROTOCOL,
  SERVICE_REPLY_BYTES,
  type ServiceCallName,
  type ServiceCalls,
} from '@reeve/contract';
import { after, encode, LineSplitter } from '@reeve/host';
import { checkSocketFolder } from '../check-folder.ts';
import { parseMessage, reviveError } from '../message.ts';

/** Who is asked. */
export interface Addressee {
  /** For the sentences of errors. */
  readonly service: string;
  /** Path of its control socket: `card.socket`. */
  readonly socket: string;
}

/**
 * One question to a service over its control socket; `deadline` in milliseconds. Throws SERVICE_UNREACHABLE (`how`:
 * absent, refused, silent, broken), HOME_UNSAFE, or the service's own error.
 */
export function askService<N extends ServiceCallName>(
  who: Addressee,
  call: N,
  params: ServiceCalls[N]['params'],
  deadline = 5000,
): Promise<ServiceCalls[N]['ok']> {
  return new Promise((resolve, reject) => {
    checkFolder(who);
    const socket = connect(who.socket);
    const splitter = new LineSplitter(SERVICE_REPLY_BYTES);
    const fail = (how: string, why: string, cause?: unknown): void => {
      timer.cancel();
      socket.destroy();
      reject(new ReeveError('SERVICE_UNREACHABLE', { name: who.service, how, why }, { cause }));
    };
    const timer = after(deadline, () => fail('silent', `no answer to "${call}" within ${deadline / 1000} s`));
    socket.on('error', (error: NodeJS.ErrnoException) => fail(howOf(error), error.message, error));
    socket.on('close', () => fail('broken', 'it closed the connection'));
    socket.on('data', (chunk: Buffer) => {
      const line = firstLine(splitter, chunk);
      if (line === null) return;
      const message = parseMessage(line);
      timer.cancel();
      socket.removeAllListeners('close').destroy();
      if (message !== null && 'ok' in message) resolve(message.ok as ServiceCalls[N]['ok']);
      else if (message !== null && 'error' in message) reject(reviveError(message.error, who.service));
      else fail('broken', 'what answers is not a reeve service');
    });
    socket.write(encode({ id: 1, protocol: SERVICE_PROTOCOL, call, params }));
  });
}

/** An answer without an end is none of ours: as good as an empty one. */
function firstLine(splitter: LineSplitter, chunk: Buffer): string | null {
  try {
    return splitter.push(chunk)[0] ?? null;
  } catch {
    return '';
  }
}

function checkFolder({ service, socket }: Addressee): void {
  try {
    checkSocketFolder(socket, socket);
  } catch (error) {
    if (!(error instanceof ReeveError) || error.code !== 'DAEMON_UNREACHABLE') throw error;
    throw new ReeveError('SERVICE_UNREACHABLE', { name: service, how: 'absent', why: `no socket at ${socket}` });
  }
}

function howOf({ code }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'absent';
  return code === 'ECONNREFUSED' || code === 'ENOTSOCK' ? 'refused' : 'broken';
}
