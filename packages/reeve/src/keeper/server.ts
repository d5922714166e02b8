import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import {
  type JournalRecord,
  KEEPER_PROTOCOL,
  type KeeperMessage,
  type KeeperReplies,
  type KeeperRequest,
} from '@reeve/contract';
import { after, encode, LineSplitter } from '@reeve/host';
import { whyNoSockets } from './channels/notify-socket.ts';
import type { DaemonWatch } from './daemon-watch.ts';
import type { Journal } from './journal/journal.ts';
import type { Keeper } from './keeper.ts';
import { Refused } from './refusal.ts';
import { numberOf, parseRequest } from './request.ts';

/** A spawn request holds arguments and an environment, which the system bounds at some 6 MiB. Bytes. */
const LINE = 16 * 1024 * 1024;
/** A peer that has left so much unread (bytes) will not read it any more. */
const UNREAD = 64 * 1024 * 1024;
/** How long a peer that is sent away may take to read why (ms). */
const FAREWELL = 1000;

export interface ServerWorld {
  readonly keeper: Keeper;
  readonly journal: Journal;
  readonly version: string;
  readonly watch: DaemonWatch;
  readonly report: (message: string) => void;
  /** Asked to go. The answer is whether it goes now. */
  readonly leave: () => boolean;
  /** There is a daemon to work for: a wish that it should go is void. */
  readonly stay: () => void;
  /** The last peer has gone. */
  readonly alone: () => void;
}
type Hello = Extract<KeeperRequest, { do: 'hello' }>;
type Reply = KeeperReplies[keyof KeeperReplies];

/** Speaks the protocol with every daemon that connects: for a moment an old and a new one. */
export class KeeperServer {
  readonly #world: ServerWorld;
  #server: Server | null = null;
  readonly #peers = new Set<Socket>();
  /** Those that said hello: they get the records. */
  readonly #greeted = new Set<Socket>();
  /** The last that said hello: only it may start something. */
  #newest: Socket | null = null;

  constructor(world: ServerWorld) {
    this.#world = world;
    world.journal.onRecord = (record) => this.#push(record);
  }

  /**
   * Call it with the keeper's lock held: a socket that lies there is a dead keeper's. Called again, it listens anew, and
   * existing connections stay.
   */
  async listen(file: string): Promise<void> {
    this.#server?.close();
    rmSync(file, { force: true });
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(file, resolve);
    });
    server.on('error', (error) => this.#world.report(`the socket: ${error.message}`)); // no descriptor left, for a moment
    chmodSync(file, 0o600);
  }

  get isAlone(): boolean {
    return this.#peers.size === 0;
  }

  /** Resolves when everything has been sent to every daemon. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()));
    for (const peer of this.#peers) {
      peer.end();
      after(FAREWELL, () => peer.destroy());
    }
    await closed;
  }

  #accept(socket: Socket): void {
    const splitter = new LineSplitter(LINE);
    this.#peers.add(socket);
    socket.on('error', () => socket.destroy()); // the peer is gone; 'close' follows
    socket.on('close', () => {
      this.#peers.delete(socket);
      this.#greeted.delete(socket);
      if (this.#newest === socket) this.#replaceNewest();
      if (this.isAlone) this.#world.alone();
    });
    const read = (chunk: Buffer): void => {
      try {
        for (const line of splitter.push(chunk)) void this.#answer(socket, line);
      } catch (error) {
        socket.off('data', read);
        dismiss(socket, error as Error);
      }
    };
    socket.on('data', read);
  }

  /** Requests are carried out in the order in which they come; only the reply to a spawn may be later than the next. */
  async #answer(socket: Socket, line: string): Promise<void> {
    try {
      const { id, request } = parseRequest(line);
      if (request.do === 'hello') {
        refuseOtherProtocol(request.protocol);
        await this.#greet(socket, id, request);
        return;
      }
      if (socket === this.#newest) this.#world.watch.heard();
      this.#send(socket, { id, ok: await this.#do(socket, request) });
    } catch (error) {
      this.#send(socket, refusal(numberOf(line), error));
    }
  }

  #do(socket: Socket, request: Exclude<KeeperRequest, { do: 'hello' }>): Reply | Promise<Reply> {
    const { keeper, journal } = this.#world;
    if (!this.#greeted.has(socket)) throw new Refused('PROTOCOL', 'say hello first');
    switch (request.do) {
      case 'spawn':
        this.#world.stay();
        if (socket !== this.#newest) throw new Refused('BAD_REQUEST', 'another daemon has taken over');
        return keeper.spawn(request.spawn).then((process) => ({ process }));
      case 'adopt':
        this.#world.stay();
        keeper.adopt(request.adopt);
        return {};
      case 'describe':
        return { origin: keeper.originOf(request.run) };
      case 'release':
        return keeper.release(request.run);
      case 'hold':
        return { socket: keeper.sockets.hold(request.socket) };
      case 'drop':
        return { dropped: keeper.sockets.drop(request.key) };
      case 'acknowledge':
        journal.acknowledge(request.seq);
        return {};
      case 'ping':
        if (request.busy !== undefined && socket === this.#newest) this.#world.watch.busy(request.busy);
        return {};
      case 'leave':
        return { leaving: this.#world.leave() };
    }
  }

  /**
   * Who says hello is the daemon from now on: what an older one has asked for and is under way is finished and written
   * down first, so that the newcomer sees it; what of it comes later is refused. Otherwise both would start it.
   */
  async #greet(socket: Socket, id: number, { since, pid }: Hello): Promise<void> {
    const { keeper, journal, version } = this.#world;
    this.#world.stay();
    this.#newest = socket;
    if (keeper.isStarting) await keeper.settled();
    journal.atLeast(since);
    const runs = keeper.runs.map(({ kept }) => kept);
    const { noAdoption: no_adoption } = keeper;
    const facts = { version, no_adoption, no_sockets: whyNoSockets(), sockets: keeper.sockets.all };
    const { seq } = journal;
    this.#send(socket, { id, ok: { protocol: KEEPER_PROTOCOL, pid: process.pid, seq, runs, ...facts } });
    for (const record of journal.since(since)) this.#send(socket, { record: told(record) });
    this.#greeted.add(socket);
    if (pid !== undefined && socket === this.#newest)
      this.#world.watch.greeted({ pid, send: (message) => this.#send(socket, message) });
  }

  /** An older daemon that is still there is not watched: it is on its way out. */
  #replaceNewest(): void {
    this.#newest = [...this.#greeted].at(-1) ?? null;
    this.#world.watch.gone();
  }

  #push(record: JournalRecord): void {
    for (const socket of this.#greeted) this.#send(socket, { record: told(record) });
    this.#world.watch.told(record);
  }

  #send(socket: Socket, message: KeeperMessage): void {
    if (socket.destroyed || socket.writableEnded) return;
    if (socket.writableCorked === 0) {
      socket.cork(); // everything said in this turn goes out at once
      process.nextTick(() => socket.uncork());
    }
    socket.write(encode(message));
    if (socket.writableLength > UNREAD) socket.destroy();
  }
}

/** Without what the daemon knows itself and has to ask for where it does not. */
function told(record: JournalRecord): JournalRecord {
  if (record.kind !== 'spawned' || record.origin === undefined) return record;
  const { origin, ...rest } = record;
  return rest;
}

/** It sends a line without end: it gets an answer and the time to read it; what it still sends is dropped. */
function dismiss(socket: Socket, error: Error): void {
  socket.resume();
  socket.end(encode(refusal(-1, new Refused('BAD_REQUEST', error.message))));
  after(FAREWELL, () => socket.destroy()).unref();
}

function refusal(id: number, error: unknown): KeeperMessage {
  if (error instanceof Refused) {
    const { code, errno, message } = error;
    return { id, error: { code, errno, message } };
  }
  return { id, error: { code: 'BAD_REQUEST', errno: null, message: `the keeper failed: ${String(error)}` } };
}

function refuseOtherProtocol(protocol: number): void {
  if (protocol === KEEPER_PROTOCOL) return;
  throw new Refused('PROTOCOL', `this keeper speaks protocol ${KEEPER_PROTOCOL}, not ${protocol}`);
}
