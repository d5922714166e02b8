import type { Socket } from 'node:net';
import { type CallName, type ControlMessage, type ControlRequest, ReeveError } from '@reeve/contract';
import { after, encode, LineSplitter, LineTooLong, systemError } from '@reeve/host';
import type { ControlCall, ControlLog, ServerShared } from './handler-types.ts';
import { LINE_BYTES, parseRequest } from './request.ts';

/** What may wait for a client that does not read. Bytes; one reply more than this is let through. */
const QUEUE_BYTES = 8 << 20;
/** Calls that one client may have open at once. */
const OPEN_CALLS = 10_000;
/** How long a refused client may take to read why. Milliseconds. */
const REFUSAL = 1000;

/** One client: reads its requests, runs their handlers, writes what they answer. */
export class ControlConnection {
  readonly id: number;
  readonly #socket: Socket;
  readonly #server: ServerShared;
  readonly #splitter = new LineSplitter(LINE_BYTES);
  /** One controller a call: what listens to its signal goes with the call. */
  readonly #open = new Map<AbortController, { readonly id: number; readonly work: Promise<void> }>();

  constructor(id: number, socket: Socket, server: ServerShared) {
    this.id = id;
    this.#socket = socket;
    this.#server = server;
    socket.on('data', (chunk) => this.#receive(chunk));
    // A client that is killed while we write: 'close' follows.
    socket.on('error', (error) => this.#log.debug({ connection: id, err: error }, 'a client broke off'));
    socket.on('close', () => this.#abort(new ReeveError('DAEMON_UNREACHABLE', { why: 'the connection was closed' })));
  }

  /** Refuses to hear more, aborts what is open, and resolves when every reply has been written or `within` ms are over. */
  async finish(reason: ReeveError, within: number): Promise<void> {
    this.#socket.removeAllListeners('data').resume();
    this.#abort(reason);
    const timer = after(within, () => this.#socket.destroy());
    await Promise.race([Promise.all([...this.#open.values()].map(({ work }) => work)), this.#closed()]);
    if (!this.#socket.destroyed) {
      // Flushed, then torn down: a client that keeps its end open must not keep ours.
      this.#socket.end(() => this.#socket.destroy());
      await this.#closed();
    }
    timer.cancel();
  }

  /** Says why, then ends the connection. What still comes is thrown away: a full pipe would hide the reason. */
  refuse(error: ReeveError): void {
    this.#socket.removeAllListeners('data').resume();
    this.#reply({ id: 0, error });
    this.#socket.end();
    const timer = after(REFUSAL, () => this.#socket.destroy());
    this.#socket.once('close', () => timer.cancel());
  }

  get #log(): ControlLog {
    return this.#server.log;
  }

  #abort(reason: ReeveError): void {
    for (const controller of this.#open.keys()) controller.abort(reason);
  }

  #closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) resolve();
      else this.#socket.once('close', () => resolve());
    });
  }

  #receive(chunk: Buffer): void {
    for (const line of this.#split(chunk)) {
      if (!this.#socket.writable) return;
      this.#take(line);
    }
  }

  #split(chunk: Buffer): readonly string[] {
    try {
      return this.#splitter.push(chunk);
    } catch (error) {
      if (!(error instanceof LineTooLong)) throw error;
      this.refuse(new ReeveError('USAGE', { message: `a request is longer than ${LINE_BYTES} bytes` }));
      return [];
    }
  }

  #take(line: string): void {
    const parsed = parseRequest(line);
    if (!parsed.ok) {
      this.#reply(parsed);
      return;
    }
    const { request } = parsed;
    if ('cancel' in request) {
      this.#cancel(request.id);
      return;
    }
    if (this.#open.size >= OPEN_CALLS) {
      this.refuse(new ReeveError('USAGE', { message: `more than ${OPEN_CALLS} calls open on one connection` }));
      return;
    }
    const controller = new AbortController();
    const work = this.#run(request, controller.signal);
    this.#open.set(controller, { id: request.id, work });
    void work.finally(() => this.#open.delete(controller));
  }

  /** One that has just been answered is not open any more: nothing is to be done then. */
  #cancel(wanted: number): void {
    for (const [controller, { id }] of this.#open)
      if (id === wanted) controller.abort(new ReeveError('DAEMON_UNREACHABLE', { why: 'the call was cancelled' }));
  }

  /** Never rejects. */
  async #run({ id, call, params }: ControlRequest, signal: AbortSignal): Promise<void> {
    const push: ControlCall<CallName>['push'] = (value) => this.#write({ id, push: value });
    const drained = (): Promise<void> => this.#drained();
    try {
      this.#write({ id, ok: await this.#server.handle(call, params, { push, signal, drained, connection: this.id }) });
    } catch (error) {
      this.#reply({ id, error: this.#translate(call, error, signal) });
    }
  }

  #translate(call: CallName, error: unknown, signal: AbortSignal): ReeveError {
    if (error instanceof ReeveError) return error;
    if (signal.aborted && error instanceof Error && error.name === 'AbortError') return signal.reason as ReeveError;
    this.#log.error({ call, err: error }, 'a call failed unexpectedly');
    return systemError(error) ?? new ReeveError('INTERNAL', { message: `"${call}" failed unexpectedly` });
  }

  #reply({ id, error }: { id: number; error: ReeveError }): void {
    this.#write({ id, error: { code: error.code, params: error.params } });
  }

  #drained(): Promise<void> {
    const socket = this.#socket;
    if (!socket.writable || !socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.on('drain', done).on('close', done);
    });
  }

  #write(message: ControlMessage): void {
    if (!this.#socket.writable) return;
    if (this.#socket.writableLength > QUEUE_BYTES) {
      this.#log.warn({ connection: this.id }, 'a client does not read what it asked for: dropped');
      this.#socket.destroy();
      return;
    }
    this.#socket.write(encode(message));
  }
}
