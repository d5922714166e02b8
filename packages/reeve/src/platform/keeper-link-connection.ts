import { connect, type Socket } from 'node:net';
import {
  type AdoptedRun,
  type HeldSocket,
  type JournalRecord,
  KEEPER_PROTOCOL,
  type KeeperMessage,
  type KeeperRefusal,
  type KeeperReplies,
  type KeeperRequest,
  type KeptRun,
  type ProcessIdentity,
  ReeveError,
  type RunOrigin,
  type SpawnRequest,
  type Stall,
} from '@reeve/contract';
import { after, encode, homePaths, LineSplitter, liveHolder, type Timer } from '@reeve/host';
import type { Keeper } from '../core/interfaces.ts';
import type { KeeperStart } from './keeper-link-start.ts';

export interface KeeperLinkOptions extends KeeperStart {
  /** Replay the records after this one; 0: all. */
  readonly since: number;
  readonly onRecord: (record: JournalRecord) => void;
  /** It says that this daemon, the one before or itself has stalled. */
  readonly onStalled?: (stall: Stall) => void;
  /** The connection broke, not by our `close`. Called once. */
  readonly onLost: () => void;
}

/** Longest message of a keeper: the reply to hello names all runs. Bytes. */
const LINE = 64 * 1024 * 1024;
/** A keeper answers within a millisecond. */
const DEADLINE = 15_000;
/** What it was asked to spawn it may still spawn when it is continued: to give up would make a second copy. */
const UNBOUNDED: ReadonlySet<KeeperRequest['do']> = new Set(['spawn', 'ping']);

/** Once the keeper watches, it does so for a while. Milliseconds. */
const BUSY_PAUSE = 200;

interface Waiting {
  readonly resolve: (reply: never) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer | undefined;
}
/** An error that the keeper answered with, before it is translated. */
class Refusal extends Error {
  readonly refusal: KeeperRefusal;
  constructor(refusal: KeeperRefusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** Connects and says hello; `null`: nothing is listening there. */
export async function openConnection(socketPath: string, options: KeeperLinkOptions): Promise<Keeper | null> {
  const socket = await dial(socketPath);
  if (socket === null) return null;
  const connection = new Connection(socket, options);
  try {
    await connection.hello(options.since);
    return connection;
  } catch (error) {
    connection.close();
    if (!(error instanceof Refusal)) throw error;
    const daemon = error.refusal.message;
    throw new ReeveError('PROTOCOL_MISMATCH', { client: `protocol ${KEEPER_PROTOCOL}`, daemon }, { cause: error });
  }
}

function dial(socketPath: string): Promise<Socket | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('connect', () => resolve(socket.removeAllListeners('error')));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(null);
      else if (error.code === 'EACCES')
        reject(new ReeveError('NOT_PERMITTED', { message: error.message }, { cause: error }));
      else reject(error);
    });
  });
}

class Connection implements Keeper {
  readonly #socket: Socket;
  readonly #home: string;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #closed = false;
  /** When the ping that still waits for an answer was sent, and what waits for it. */
  #pinged: { readonly at: number; readonly answer: Promise<void> } | null = null;
  #hello: KeeperReplies['hello'] | null = null;
  /** When a ping last said that we are busy. */
  #saidBusy = Number.NEGATIVE_INFINITY;
  readonly #onStalled: (stall: Stall) => void;
  onRecord: Keeper['onRecord'];
  onLost: Keeper['onLost'];

  constructor(socket: Socket, { home, onRecord, onLost, onStalled }: KeeperLinkOptions) {
    this.#socket = socket;
    this.#home = home;
    this.onRecord = onRecord;
    this.onLost = onLost;
    this.#onStalled = onStalled ?? (() => undefined);
    const splitter = new LineSplitter(LINE);
    socket.on('data', (chunk: Buffer) => {
      for (const message of messagesIn(chunk, splitter, socket)) this.#take(message);
    });
    socket.on('error', () => socket.destroy()); // 'close' follows and is handled
    socket.on('close', () => this.#lost());
  }

  get pid(): number {
    return this.#greeting().pid;
  }
  get version(): string {
    return this.#greeting().version;
  }
  get noSockets(): string | null {
    return this.#greeting().no_sockets;
  }
  get runs(): readonly KeptRun[] {
    return this.#greeting().runs;
  }

  get noAdoption(): string | null {
    return this.#greeting().no_adoption;
  }

  async hello(since: number): Promise<void> {
    this.#hello = await this.#ask('hello', { do: 'hello', protocol: KEEPER_PROTOCOL, since, pid: process.pid });
  }

  async spawn(spawn: SpawnRequest): Promise<ProcessIdentity> {
    try {
      return (await this.#ask('spawn', { do: 'spawn', spawn })).process;
    } catch (error) {
      throw asSpawnFailure(error, shown(spawn.argv));
    }
  }

  async adopt(adopt: AdoptedRun): Promise<boolean> {
    return (await this.#askIfKnown('adopt', { do: 'adopt', adopt })) !== null;
  }

  async describe(run: string): Promise<RunOrigin | null> {
    return (await this.#askIfKnown('describe', { do: 'describe', run }))?.origin ?? null;
  }

  async release(run: string): Promise<void> {
    try {
      await this.#ask('release', { do: 'release', run });
    } catch (error) {
      // A run that it does not hold is released already: a daemon that died in between had asked for it.
      if (!(error instanceof Refusal && error.refusal.code === 'UNKNOWN_RUN')) throw error;
    }
  }

  async hold(socket: Parameters<Keeper['hold']>[0]): Promise<HeldSocket> {
    try {
      return (await this.#ask('hold', { do: 'hold', socket })).socket;
    } catch (error) {
      throw asSpawnFailure(error, `listen on ${socket.host} port ${socket.port}`);
    }
  }

  async drop(key: string): Promise<boolean> {
    return (await this.#ask('drop', { do: 'drop', key })).dropped;
  }

  acknowledge(seq: number): void {
    if (!this.#closed) this.#ask('acknowledge', { do: 'acknowledge', seq }).catch(ignoreLoss);
  }

  get silence(): number | null {
    return this.#pinged && performance.now() - this.#pinged.at;
  }

  ping(): Promise<void> {
    this.#pinged ??= { at: performance.now(), answer: this.#ping() };
    return this.#pinged.answer;
  }

  busy(what: string): void {
    const now = performance.now();
    if (this.#closed || now - this.#saidBusy < BUSY_PAUSE) return;
    this.#saidBusy = now;
    this.#ask('ping', { do: 'ping', busy: what }).catch(ignoreAnswer);
  }

  async #ping(): Promise<void> {
    try {
      await this.#ask('ping', { do: 'ping' });
    } catch {
      // A refusal is an answer; of a loss `onLost` tells.
    }
    this.#pinged = null;
  }

  async leave(): Promise<void> {
    await this.#ask('leave', { do: 'leave' });
  }

  close(): void {
    this.#closed = true;
    this.#socket.end();
  }

  #greeting(): KeeperReplies['hello'] {
    if (this.#hello === null) throw new Error('the keeper has not answered hello yet');
    return this.#hello;
  }

  /** null: an older keeper does not know this request, or does not hold the run. */
  async #askIfKnown<D extends keyof KeeperReplies>(
    name: D,
    request: KeeperRequest & { do: D },
  ): Promise<KeeperReplies[D] | null> {
    try {
      return await this.#ask(name, request);
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  }

  #ask<D extends keyof KeeperReplies>(name: D, request: KeeperRequest & { do: D }): Promise<KeeperReplies[D]> {
    if (this.#closed || this.#socket.destroyed) return Promise.reject(this.#gone());
    const id = this.#next++;
    return new Promise<KeeperReplies[D]>((resolve, reject) => {
      const late = (): void => {
        this.#waiting.delete(id);
        reject(this.#late(name));
      };
      const timer = UNBOUNDED.has(name) ? undefined : after(DEADLINE, late);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#socket.write(encode({ id, ...request }));
    });
  }

  #late(name: string): ReeveError {
    const holder = liveHolder(homePaths(this.#home).keeperLock);
    const who = holder ? `the keeper (pid ${holder.pid}) ${holder.doing} and` : 'the keeper';
    const hint = holder?.hint ?? 'reeve daemon logs';
    return new ReeveError('TIMED_OUT', { message: `${who} did not answer to ${name}`, hint });
  }

  #take(message: KeeperMessage): void {
    if ('record' in message) {
      this.onRecord(message.record);
      return;
    }
    if ('stalled' in message) {
      this.#onStalled(message.stalled);
      return;
    }
    if ('watch' in message) {
      this.#ask('ping', { do: 'ping' }).catch(ignoreAnswer);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return; // its deadline has passed
    this.#waiting.delete(message.id);
    waiting.timer?.cancel();
    if ('error' in message) waiting.reject(new Refusal(message.error));
    else waiting.resolve(message.ok as never);
  }

  #lost(): void {
    for (const { reject, timer } of this.#waiting.values()) {
      timer?.cancel();
      reject(this.#gone());
    }
    this.#waiting.clear();
    if (this.#closed) return;
    this.#closed = true;
    if (this.#hello !== null) this.onLost();
  }

  #gone(): ReeveError {
    return new ReeveError('KEEPER_LOST', { home: this.#home });
  }
}

/** Something that is not a keeper ends the connection: it must not end the daemon. */
function messagesIn(chunk: Buffer, splitter: LineSplitter, socket: Socket): readonly KeeperMessage[] {
  try {
    return splitter.push(chunk).map((line) => JSON.parse(line) as KeeperMessage);
  } catch (error) {
    socket.destroy(error as Error);
    return [];
  }
}

/** The question was the message: an older keeper refuses it. Of a loss `onLost` tells. */
function ignoreAnswer(error: unknown): void {
  if (!(error instanceof Refusal || error instanceof ReeveError)) throw error;
}

/** An acknowledgement only lets the keeper forget sooner: `onLost` tells what matters. */
function ignoreLoss(error: unknown): void {
  if (!(error instanceof ReeveError)) throw error;
}

function asSpawnFailure(error: unknown, command: string): unknown {
  if (!(error instanceof Refusal)) return error;
  const { errno, message } = error.refusal;
  const cause = Object.assign(error, errno === null ? {} : { code: errno });
  const named = errno === null ? {} : { errno };
  return new ReeveError('SPAWN_FAILED', { command, why: message, ...named }, { cause });
}

function shown(argv: readonly string[]): string {
  const text = argv.join(' ');
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
