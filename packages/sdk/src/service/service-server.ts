import { createServer, type Server, type Socket } from 'node:net';
import {
  parseServiceRequest,
  ReeveError,
  SERVICE_CONNECTIONS,
  SERVICE_REQUEST_BYTES,
  type ServiceCallName,
  type ServiceCalls,
  type ServiceReply,
  type ServiceRequest,
} from '@reeve/contract';
import { after, encode, LineSplitter, listenPrivately } from '@reeve/host';

export type ServiceHandlers = {
  readonly [N in ServiceCallName]: (
    params: ServiceCalls[N]['params'],
  ) => ServiceCalls[N]['ok'] | Promise<ServiceCalls[N]['ok']>;
};

/** What may wait for a client that does not read. Bytes. */
const QUEUE_BYTES = 8 << 20;
/** How long replies may still be written when the service ends. Milliseconds. */
const GRACE = 200;

export interface ServiceServer {
  /** Takes no more clients, lets replies be read for a moment, ends all connections and unlinks the socket. */
  close(): Promise<void>;
}

/**
 * Serves a service's control socket. The caller holds the lock of the name: a socket that lies there is a dead one's.
 * Neither the server nor its clients keep the program alive.
 */
export async function serveService(path: string, handlers: ServiceHandlers): Promise<ServiceServer> {
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    socket.unref();
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
    socket.on('error', () => socket.destroy()); // a client that was killed: 'close' follows
    converse(socket, handlers);
  });
  server.maxConnections = SERVICE_CONNECTIONS;
  await listenPrivately(server, path);
  server.on('error', () => undefined); // too many open files: who asks meanwhile finds it silent
  server.unref();
  return { close: () => close(server, clients) };
}

function converse(socket: Socket, handlers: ServiceHandlers): void {
  const splitter = new LineSplitter(SERVICE_REQUEST_BYTES);
  const reply = (message: ServiceReply): void => {
    if (!socket.writable) return;
    if (socket.writableLength > QUEUE_BYTES) socket.destroy();
    else socket.write(encode(message));
  };
  const take = (line: string): void => {
    const parsed = parseServiceRequest(line);
    if (parsed.ok) void answer(parsed.request, handlers).then(reply);
    else reply(parsed.reply);
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const line of splitter.push(chunk)) take(line);
    } catch {
      const message = `a request is longer than ${SERVICE_REQUEST_BYTES} bytes`;
      reply({ id: 0, error: { code: 'USAGE', params: { message } } });
      socket.removeAllListeners('data').resume().end();
    }
  });
}

/** Never rejects. */
async function answer({ id, call, params }: ServiceRequest, handlers: ServiceHandlers): Promise<ServiceReply> {
  // The parameters were checked for this very call.
  const handle = handlers[call] as (params: ServiceRequest['params']) => unknown;
  try {
    return { id, ok: await handle(params) };
  } catch (error) {
    const known = error instanceof ReeveError ? error : null;
    const params = known?.params ?? { message: error instanceof Error ? error.message : String(error) };
    return { id, error: { code: known?.code ?? 'INTERNAL', params } };
  }
}

async function close(server: Server, clients: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve())); // unlinks the socket
  for (const client of clients) client.end();
  const timer = after(GRACE, () => {
    for (const client of clients) client.destroy();
  });
  await closed;
  timer.cancel();
}
