import { connect } from 'node:net';
import {
  ReeveError,
  SERVICE_PROTOCOL,
  SERVICE_REPLY_BYTES,
  type ServiceCallName,
  type ServiceCalls,
} from '@reeve/contract';
import { checkSocketFolder } from '../check-folder.ts';
import { parseMessage, reviveError } from '../message.ts';
import { encodeLine, LineReader } from '../ndjson.ts';

export interface Addressee {
  /** For the sentences of errors. */
  readonly service: string;
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
    const reader = new LineReader(SERVICE_REPLY_BYTES);
    const fail = (how: string, why: string, cause?: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new ReeveError('SERVICE_UNREACHABLE', { name: who.service, how, why }, { cause }));
    };
    const timer = setTimeout(() => fail('silent', `no answer to "${call}" within ${deadline / 1000} s`), deadline);
    socket.setEncoding('utf8');
    socket.on('error', (error: NodeJS.ErrnoException) => fail(howOf(error), error.message, error));
    socket.on('close', () => fail('broken', 'it closed the connection'));
    socket.on('data', (text) => {
      const [line] = reader.push(text as unknown as string) ?? [''];
      if (line === undefined) return;
      const message = parseMessage(line);
      clearTimeout(timer);
      socket.removeAllListeners('close').destroy();
      if (message !== null && 'ok' in message) resolve(message.ok as ServiceCalls[N]['ok']);
      else if (message !== null && 'error' in message) reject(reviveError(message.error, who.service));
      else fail('broken', 'what answers is no reeve service');
    });
    socket.write(encodeLine({ id: 1, protocol: SERVICE_PROTOCOL, call, params }));
  });
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
