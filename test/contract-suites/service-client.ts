import { connect, type Socket } from 'node:net';
import type { ServiceReply } from '@reeve/contract';

/** A connection to a control socket that can also say what no library would. */
export interface RawService extends Disposable {
  write(text: string): void;
  /** Replies in the order of their arrival: resolves with the next one. Rejects when the connection ends before. */
  next(): Promise<ServiceReply>;
  /** One request, and the next reply. */
  ask(request: Readonly<Record<string, unknown>>): Promise<ServiceReply>;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
}

export function rawService(path: string): Promise<RawService> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(speakOver(socket)));
    socket.once('error', reject);
  });
}

/** A well-formed call in protocol 1; the `ok` of its answer, or the `error`. */
export async function call(path: string, name: string, params: object = {}): Promise<Record<string, unknown>> {
  using raw = await rawService(path);
  const reply = await raw.ask({ call: name, params });
  return ('ok' in reply ? reply.ok : reply) as Record<string, unknown>;
}

function speakOver(socket: Socket): RawService {
  const replies: ServiceReply[] = [];
  const waiting: { resolve: (reply: ServiceReply) => void; reject: (error: Error) => void }[] = [];
  let rest = '';
  let isOver = false;
  let number = 0;
  socket.removeAllListeners('error');
  // A client that is refused may still be writing: that is not an error of the test.
  socket.on('error', () => undefined);
  socket.setEncoding('utf8').on('data', (text) => {
    const lines = `${rest}${String(text)}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const reply = JSON.parse(line) as ServiceReply;
      const waiter = waiting.shift();
      if (waiter) waiter.resolve(reply);
      else replies.push(reply);
    }
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isOver = true;
      for (const each of waiting.splice(0)) each.reject(new Error('the connection was closed'));
      resolve();
    });
  });
  const next = () =>
    new Promise<ServiceReply>((resolve, reject) => {
      const reply = replies.shift();
      if (reply) resolve(reply);
      else if (isOver) reject(new Error('the connection was closed'));
      else waiting.push({ resolve, reject });
    });
  const write = (text: string) => void socket.write(text);
  return {
    write,
    next,
    closed,
    ask: (request) => {
      number += 1;
      write(`${JSON.stringify({ id: number, protocol: 1, params: {}, ...request })}\n`);
      return next();
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
