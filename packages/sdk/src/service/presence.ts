import { rmSync } from 'node:fs';
import {
  type Announcement,
  type Exit,
  SERVICE_CARD_FORMAT,
  SERVICE_PROTOCOL,
  type ServiceCard,
  type ServicePort,
  type ServiceStatus,
} from '@reeve/contract';
import {
  after,
  isListenedOn,
  type Lock,
  ownUserName,
  pause,
  prepareFolder,
  selfIdentity,
  type Timer,
} from '@reeve/host';
import { VERSION } from '../version.ts';
import { AlreadyRunning } from './already-running.ts';
import { askService } from './ask-service.ts';
import { readCard, writeCard } from './cards.ts';
import { takeName } from './name-lock.ts';
import type { ServicePlace } from './place.ts';
import { type ServiceHandlers, type ServiceServer, serveService } from './service-server.ts';

/** What a service does when it is asked; the rest a presence answers by itself. */
export type PresenceHandlers = Pick<ServiceHandlers, 'start' | 'cleanup' | 'shutdown' | 'second_instance'>;
export interface PresenceOptions {
  readonly kind: ServiceCard['kind'];
  readonly title: string | null;
  readonly description: string;
  readonly handlers: PresenceHandlers;
}
export type CardChange = Partial<
  Pick<
    ServiceCard,
    | 'title'
    | 'description'
    | 'state'
    | 'ready'
    | 'health'
    | 'health_reason'
    | 'status'
    | 'ports'
    | 'dependencies'
    | 'capabilities'
    | 'data'
    | 'announcement'
    | 'ended_at'
    | 'exit'
  >
>;

/** A second copy asks the first one this long for a hand-over, while the first may still be opening. Milliseconds. */
const HAND_OVER = 1000;
/** A card is written at most this often when nothing but a text has changed. Milliseconds. */
const WRITE_PAUSE = 100;

/**
 * One name that this process holds: its lock (the identity), its control socket (how to talk to it) and its card (what
 * is known of it). Lock first; what lies there of an earlier holder is then a dead one's.
 */
export class Presence {
  readonly place: ServicePlace;
  readonly #lock: Lock;
  #server: ServiceServer | null = null;
  #card: ServiceCard;
  #timer: Timer | null = null;
  #closed: Promise<void> | null = null;

  private constructor(place: ServicePlace, lock: Lock, card: ServiceCard) {
    this.place = place;
    this.#lock = lock;
    this.#card = card;
  }

  /** Throws {@link AlreadyRunning}, HOME_UNSAFE, or what the system says. */
  static async open(place: ServicePlace, options: PresenceOptions): Promise<Presence> {
    prepareFolder(place.home, 'no-other-writes');
    for (const folder of new Set([place.run, place.sockets])) prepareFolder(folder, 'no-other-enters');
    const lock = await takeName(place).catch((error: unknown) => handOver(place, error));
    const presence = new Presence(place, lock, firstCard(place, options));
    try {
      presence.#server = await serveService(place.socket, presence.#answers(options.handlers));
      presence.#write();
    } catch (error) {
      await presence.close();
      throw error;
    }
    return presence;
  }

  get card(): ServiceCard {
    return this.#card;
  }

  /** `soon`: only a text has changed, so that the file may follow a little later. The socket tells it at once. */
  update(change: CardChange, when: 'now' | 'soon' = 'now'): void {
    this.#card = { ...this.#card, ...change, updated_at: new Date().toISOString() };
    if (this.#closed) return;
    if (when === 'now') this.#write();
    else this.#timer ??= after(WRITE_PAUSE, () => this.#write()).unref();
  }

  /** Says that it has ended, and gives the name back. Once; never rejects. */
  close(exit: Exit | null = null): Promise<void> {
    this.#closed ??= (async () => {
      this.#end(exit);
      await this.#server?.close();
      await this.#lock.release().catch(() => undefined); // the kernel frees it at the latest with us
    })();
    return this.#closed;
  }

  /** For the end of the program, where nothing can be waited for: the kernel frees the lock. */
  closeNow(exit: Exit | null): void {
    if (this.#closed) return;
    this.#closed = Promise.resolve();
    this.#end(exit);
    rmSync(this.place.socket, { force: true });
  }

  #end(exit: Exit | null): void {
    const now = new Date().toISOString();
    this.#card = { ...this.#card, state: 'stopped', ready: false, ended_at: now, updated_at: now, exit };
    this.#write();
  }

  /** A full disk must not end a service: the socket tells the same. */
  #write(): void {
    if (this.#timer) this.#timer.cancel();
    this.#timer = null;
    try {
      writeCard(this.place.card, this.#card);
    } catch (error) {
      process.emitWarning(`cannot write ${this.place.card}: ${(error as Error).message}`, { code: 'REEVE_CARD' });
    }
  }

  #answers(handlers: PresenceHandlers): ServiceHandlers {
    const { place } = this;
    return {
      ...handlers,
      ping: () => ({
        pid: process.pid,
        protocol: SERVICE_PROTOCOL,
        id: place.id,
        project: place.project,
        service: place.service,
        instance: place.instance,
      }),
      describe: () => this.#card,
      status: () => this.status(),
    };
  }

  status(): ServiceStatus {
    const { pid, state, ready, health, health_reason, status, started_at, ports } = this.#card;
    const looked = ports.map((each) => ({ ...each, in_use: isListenedOn(each.port, each.protocol) }));
    return { pid, state, ready, health, health_reason, status, started_at, ports: looked };
  }
}

/** The first copy gets our command line, if it wants it. Always throws: the name is not ours. */
async function handOver(place: ServicePlace, error: unknown): Promise<never> {
  if (!(error instanceof AlreadyRunning) || error.pid === null || error.pid === process.pid) throw error;
  const end = performance.now() + HAND_OVER;
  while (performance.now() < end) {
    const socket = readCard(place.card)?.socket ?? place.socket;
    const ours = { pid: process.pid, argv: process.argv, cwd: process.cwd() };
    const answer = await askService({ service: place.service, socket }, 'second_instance', ours, HAND_OVER).catch(
      () => null,
    );
    if (answer !== null) throw answer.accepted ? new AlreadyRunning(place, error.pid, { handedOver: true }) : error;
    await pause(20);
  }
  throw error;
}

function firstCard(place: ServicePlace, { kind, title, description }: PresenceOptions): ServiceCard {
  const now = new Date().toISOString();
  return {
    format: SERVICE_CARD_FORMAT,
    protocol: SERVICE_PROTOCOL,
    id: place.id,
    project: place.project,
    folder: place.folder,
    service: place.service,
    instance: place.instance,
    kind,
    title,
    description,
    language: 'node',
    library: `@reeve/sdk ${VERSION}`,
    pid: process.pid,
    process: process.platform === 'linux' ? selfIdentity() : null,
    argv: [process.argv0, ...process.execArgv, ...process.argv.slice(1)],
    cwd: process.cwd(),
    user: ownUserName(),
    run: place.cookie,
    state: 'starting',
    ready: false,
    health: 'unknown',
    health_reason: null,
    status: null,
    ports: noPorts,
    dependencies: [],
    capabilities: [],
    data: null,
    announcement: noAnnouncement,
    socket: place.socket,
    started_at: now,
    updated_at: now,
    ended_at: null,
    exit: null,
  };
}
const noPorts: readonly ServicePort[] = [];
const noAnnouncement: Announcement | null = null;
