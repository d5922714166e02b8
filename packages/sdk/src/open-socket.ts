import { connect, type Socket } from 'node:net';
import { ReeveError } from '@reeve/contract';
import { silentDaemon } from '@reeve/host';

/** How the daemon could not be reached; `how` in the parameters of DAEMON_UNREACHABLE. */
export type Unreachable = 'absent' | 'refused' | 'silent' | 'broken' | 'closed';

export function unreachable(home: string, how: Unreachable, why: string, cause?: unknown): ReeveError {
  return new ReeveError('DAEMON_UNREACHABLE', { home, why, how }, cause === undefined ? {} : { cause });
}

/** A connected socket. Throws DAEMON_UNREACHABLE; rejects with the signal's reason when aborted. */
export function openSocket(path: string, home: string, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = connect(path);
    const abort = (): void => {
      socket.destroy();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abort, { once: true });
    const refuse = (error: NodeJS.ErrnoException): void => {
      signal?.removeEventListener('abort', abort);
      reject(translate(error, path, home));
    };
    socket.once('error', refuse);
    socket.once('connect', () => {
      signal?.removeEventListener('abort', abort);
      socket.removeListener('error', refuse);
      resolve(socket);
    });
  });
}

function translate(error: NodeJS.ErrnoException, path: string, home: string): ReeveError {
  const { code } = error;
  if (code === 'ENOENT') return unreachable(home, 'absent', `no socket at ${path}`, error);
  if (code === 'ECONNREFUSED' || code === 'ENOTSOCK') {
    return unreachable(home, 'refused', `nothing is listening at ${path}`, error);
  }
  if (code === 'EAGAIN') return silentDaemon(home, 'too many connections wait for it', error);
  if (code === 'EACCES') {
    return new ReeveError('NOT_PERMITTED', { message: `${path} belongs to another user` }, { cause: error });
  }
  return unreachable(home, 'broken', error.message, error);
}
