import { lstatSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { type CallName, ReeveError } from '@reeve/contract';
import { listenPrivately } from '@reeve/host';
import { ControlConnection } from './connection.ts';
import type { ControlCall, ControlHandlers, ControlLog, ServerShared } from './handler-types.ts';

/** Clients at once; the next one is refused. */
const CONNECTIONS = 512;
/** Calls that need nothing of what the last daemon remembered. */
const AT_ONCE: ReadonlySet<CallName> = new Set(['ping', 'about']);
/** How long `close` lets open calls answer. Milliseconds. */
const GRACE = 1000;

export interface ControlServer {
  /** Takes no more clients, aborts the signal of every open call, writes their replies (for `grace` ms at most), and
   * ends all connections but one. A handler must not wait for it: it is one of the calls that are waited for. */
  close(options?: CloseOptions): Promise<void>;
  readonly connections: number;
  /** Whether its path still leads to the socket that it listens on. */
  isInPlace(): boolean;
  /** Makes the socket again; clients that are connected stay. */
  listenAgain(): Promise<void>;
}
export interface CloseOptions {
  /** Default one second. */
  readonly grace?: number;
  /** Number of a connection that stays: its call is answered later. Its client must end it. */
  readonly but?: number;
}
/**
 * Serves the control protocol (contract/control.ts) at a unix socket that only this user can reach. The caller holds
 * the daemon lock of the home: a socket left by a dead daemon is replaced.
 * Throws USAGE (path too long), HOME_UNSAFE, or what the system says.
 */
export async function startControlServer(options: {
  readonly socket: string;
  readonly handlers: ControlHandlers;
  readonly log: ControlLog;
  /** A client asks for something: called before anything is done about it. */
  readonly onCall?: (call: CallName) => void;
  /** Until then only who we are is answered, everything else waits; left out: it is open at once. */
  readonly opened?: Promise<void>;
}): Promise<ControlServer> {
  const { socket: path, handlers, log, onCall, opened = Promise.resolve() } = options;
  const clients = new Set<ControlConnection>();
  const shared = sharedBy({ handlers, log, opened, onCall: onCall ?? (() => undefined) });
  let count = 0;
  const listen = async (): Promise<Listening> => {
    const server = createServer((socket) => admit(new ControlConnection(++count, socket, shared), socket, clients));
    // Beyond this the system's own limit of open files would be next: not even told.
    server.maxConnections = 2 * CONNECTIONS;
    await listenPrivately(server, path);
    server.on('error', (error) => log.error({ err: error }, 'the control socket failed'));
    const { ino, dev } = lstatSync(path);
    return { server, ino, dev };
  };
  let present = await listen();
  return {
    close: (how = {}) => close(present.server, clients, how),
    get connections() {
      return clients.size;
    },
    isInPlace: () => {
      const now = lstatSync(path, { throwIfNoEntry: false });
      return now?.ino === present.ino && now.dev === present.dev;
    },
    listenAgain: async () => {
      present.server.close(); // first: it takes with it whatever lies at its path
      present = await listen();
    },
  };
}

interface Listening {
  readonly server: Server;
  readonly ino: number;
  readonly dev: number;
}

interface Serving {
  readonly handlers: ControlHandlers;
  readonly log: ControlLog;
  readonly opened: Promise<void>;
  readonly onCall: (call: CallName) => void;
}
function sharedBy({ handlers, log, opened, onCall }: Serving): ServerShared {
  return {
    log,
    handle: async (call, params, context) => {
      onCall(call);
      if (!AT_ONCE.has(call)) await opened;
      context.signal.throwIfAborted();
      // The parameters were checked against the schema of this very call.
      const handler = handlers[call] as (
        params: unknown,
        context: ControlCall<CallName>,
      ) => ReturnType<ServerShared['handle']>;
      return handler(params, context);
    },
  };
}

function admit(client: ControlConnection, socket: Socket, clients: Set<ControlConnection>): void {
  if (clients.size >= CONNECTIONS) {
    client.refuse(new ReeveError('DAEMON_UNREACHABLE', { why: `${CONNECTIONS} clients are connected already` }));
    return;
  }
  clients.add(client);
  socket.on('close', () => clients.delete(client));
}

async function close(server: Server, clients: Set<ControlConnection>, how: CloseOptions): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const reason = new ReeveError('DAEMON_UNREACHABLE', { why: 'the daemon is going away' });
  const open = [...clients];
  const ending = open.filter(({ id }) => id !== how.but);
  await Promise.all(ending.map((client) => client.finish(reason, how.grace ?? GRACE)));
  // The server counts as closed when its last connection is.
  if (ending.length === open.length) await closed;
}
