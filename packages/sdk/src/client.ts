import type { Socket } from 'node:net';
import {
  type CallName,
  type Calls,
  CONTROL_PROTOCOL,
  type ControlCancel,
  type EventView,
  type KillPush,
  type LogLineView,
  type Progress,
  ReeveError,
} from '@reeve/contract';
import { after, encode, LineSplitter, silentDaemon } from '@reeve/host';
import { checkSocketFolder } from './check-folder.ts';
import { type Message, parseMessage, reviveError } from './message.ts';
import { openSocket, unreachable } from './open-socket.ts';

const DEFAULT_DEADLINE = 30_000;
/** A reply is one line: 64 Mi characters are some hundred thousand services. */
const REPLY_LIMIT = 64 << 20;
/** These answer whatever protocol the other side speaks: else a daemon of another version could not be stopped. */
const ANY_PROTOCOL: readonly CallName[] = ['ping', 'shutdown', 'upgrade'];

/** Which daemon, and how long to wait for it. */
export interface ConnectOptions {
  /** Path of the control socket. */
  readonly socket: string;
  /** The home it belongs to, for the sentences of errors. */
  readonly home: string;
  /** Milliseconds until the daemon must have answered for the first time. Default 30 s. */
  readonly deadline?: number;
  /** Ends the attempt: it rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}
/** What a call may push before it ends. */
export type Push<N extends CallName> = N extends 'events'
  ? EventView
  : N extends 'kill'
    ? KillPush
    : N extends 'logs'
      ? LogLineView
      : Progress;
/** Of one call. */
export interface CallOptions<N extends CallName> {
  /** Gets what the daemon says before the answer. What it throws ends the call. */
  readonly onPush?: (value: Push<N>) => void;
  /** Stops waiting for the answer and rejects with the signal's reason. What the daemon accepted continues. */
  readonly signal?: AbortSignal;
  /** Milliseconds; default 30 s; `Infinity` for a stream. */
  readonly deadline?: number;
}
/** What a daemon says of itself: version, protocol, pid and the like. */
export type DaemonInfo = Calls['ping']['ok'];

interface Pending {
  readonly push: (value: unknown) => void;
  readonly settle: (outcome: { ok: unknown } | { error: unknown }) => void;
}

/**
 * One connection to the daemon of a home, for any number of calls at once. Errors are `ReeveError`s: the daemon's own
 * with their code and parameters; DAEMON_UNREACHABLE when it is not there, does not answer in time, or goes away in
 * the middle (parameter `how`: absent, refused, silent, broken, closed).
 */
export class ReeveClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #home: string;
  readonly #splitter = new LineSplitter(REPLY_LIMIT);
  readonly #pending = new Map<number, Pending>();
  #daemon: DaemonInfo | null = null;
  #lastId = 0;
  #broken: ReeveError | null = null;
  readonly #closed: Promise<void>;

  private constructor(socket: Socket, home: string) {
    this.#socket = socket;
    this.#home = home;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // 'close' follows and says it to the calls.
    socket.on('error', (error) => this.#fail(unreachable(home, 'broken', 'the connection broke', error)));
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#fail(unreachable(home, 'broken', 'the connection broke'));
        resolve();
      });
    });
  }

  /** Connects and hears the daemon answer. Throws DAEMON_UNREACHABLE, HOME_UNSAFE, USAGE (path too long). */
  static async connect(options: ConnectOptions): Promise<ReeveClient> {
    const { socket: path, home, signal, deadline = DEFAULT_DEADLINE } = options;
    checkSocketFolder(path, home);
    const client = new ReeveClient(await openSocket(path, home, signal), home);
    try {
      client.#daemon = await client.call('ping', {}, { deadline, ...(signal ? { signal } : {}) });
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** What the daemon said of itself when this client connected. */
  get daemon(): DaemonInfo {
    if (!this.#daemon) throw new Error('not connected');
    return this.#daemon;
  }

  /** One question to the daemon. Rejects with its error, or with DAEMON_UNREACHABLE, PROTOCOL_MISMATCH. */
  async call<N extends CallName>(
    name: N,
    params: Calls[N]['params'],
    options: CallOptions<N> = {},
  ): Promise<Calls[N]['ok']> {
    const { signal, deadline = DEFAULT_DEADLINE } = options;
    signal?.throwIfAborted();
    this.#refuseMismatch(name);
    if (this.#broken) throw this.#broken;
    const id = ++this.#lastId;
    return new Promise<Calls[N]['ok']>((resolve, reject) => {
      const timer = Number.isFinite(deadline) ? after(deadline, () => leave(this.#late(name, deadline))) : null;
      const abort = (): void => leave(signal?.reason);
      /** The daemon must not keep open what no client waits for. */
      const leave = (error: unknown): void => {
        settle({ error });
        if (!this.#broken) this.#socket.write(encode({ id, cancel: true } satisfies ControlCancel));
      };
      const settle: Pending['settle'] = (outcome) => {
        this.#pending.delete(id);
        if (timer) timer.cancel();
        signal?.removeEventListener('abort', abort);
        if ('ok' in outcome) resolve(outcome.ok as Calls[N]['ok']);
        else reject(outcome.error as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const push = (value: unknown): void => {
        try {
          options.onPush?.(value as Push<N>);
        } catch (error) {
          leave(error);
        }
      };
      this.#pending.set(id, { push, settle });
      this.#socket.write(encode({ id, protocol: CONTROL_PROTOCOL, call: name, params }));
    });
  }

  /** Ends the connection; calls that still wait are rejected. What the daemon accepted continues. */
  async close(): Promise<void> {
    this.#fail(unreachable(this.#home, 'closed', 'this client was closed'));
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #refuseMismatch(name: CallName): void {
    const daemon = this.#daemon;
    if (!daemon || daemon.protocol === CONTROL_PROTOCOL || ANY_PROTOCOL.includes(name)) return;
    throw new ReeveError('PROTOCOL_MISMATCH', {
      client: `control protocol ${CONTROL_PROTOCOL}`,
      daemon: `version ${daemon.version}, control protocol ${daemon.protocol}`,
    });
  }

  #late(name: CallName, deadline: number): ReeveError {
    return silentDaemon(this.#home, `it did not answer "${name}" within ${deadline / 1000} s`);
  }

  #receive(chunk: Buffer): void {
    for (const line of this.#linesOf(chunk)) {
      if (this.#broken) return;
      const message = parseMessage(line);
      if (message) this.#take(message);
      else this.#fail(unreachable(this.#home, 'broken', 'what answers there is not a reeve daemon'));
    }
  }

  #linesOf(chunk: Buffer): readonly string[] {
    try {
      return this.#splitter.push(chunk);
    } catch (error) {
      this.#fail(unreachable(this.#home, 'broken', 'its answer has no end', error));
      return [];
    }
  }

  #take(message: Message): void {
    const pending = this.#pending.get(message.id);
    if ('error' in message) {
      const error = reviveError(message.error, this.#home);
      // id 0: not the answer to one call but the end of the connection.
      if (message.id === 0) this.#fail(error);
      else pending?.settle({ error });
    } else if ('push' in message) pending?.push(message.push);
    else pending?.settle({ ok: message.ok });
  }

  #fail(error: ReeveError): void {
    this.#broken ??= error;
    this.#socket.destroy();
    for (const pending of [...this.#pending.values()]) pending.settle({ error: this.#broken });
  }
}
