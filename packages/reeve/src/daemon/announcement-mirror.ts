import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import type { ProcessIdentity, ServiceCard } from '@reeve/contract';
import { after, type HomePaths, isSame, type Timer } from '@reeve/host';
import { type Found, readAnnouncements } from '../announcements/read-announcements.ts';
import { removeCard } from '../announcements/remove-card.ts';
import { BEAT, type Beat } from '../base/beat.ts';
import type { Announced } from '../core/announced/announced.ts';
import type { AnnouncementRow } from '../core/registry.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

/** Changes that come together are taken in together. Milliseconds. */
const QUIET = 100;
/** Whatever the watches have missed is seen at a look. Milliseconds. */
const LOOK = 30_000;
/** The card of a service that was killed this long ago is taken off the disk; the registry keeps it. Milliseconds. */
const KEEP = 24 * 3600_000;

/**
 * Takes what announces itself into the registry, which keeps it when the files are gone, and tells of beginnings and
 * ends as events. The files are the truth of the moment; the table is history.
 */
export class AnnouncementMirror {
  readonly #paths: Pick<HomePaths, 'run' | 'announce'>;
  readonly #supervisor: Supervisor;
  readonly #watchers: FSWatcher[] = [];
  readonly #leaveBeat: readonly (() => void)[];
  /** The live ones. */
  #watched: readonly ProcessIdentity[] = [];
  #soon: Timer | null = null;
  #known: Map<string, AnnouncementRow> | null = null;

  constructor(paths: Pick<HomePaths, 'run' | 'announce'>, supervisor: Supervisor, beat: Beat) {
    this.#paths = paths;
    this.#supervisor = supervisor;
    // Where the system has no watches left, every beat is a look.
    const looks = this.#watch() ? LOOK : BEAT;
    this.#leaveBeat = [beat.every(looks, () => this.takeIn()), beat.every(BEAT, () => this.#feel())];
    this.takeIn();
  }

  /** One small file a service: a process that was killed writes nothing that could be watched. */
  #feel(): void {
    if (this.#watched.some((process) => !isSame(process))) this.takeIn();
  }

  /** What announces itself now. */
  read(): Found {
    return readAnnouncements(this.#paths);
  }

  /** Looks, and writes down what is new. Never throws. */
  takeIn(): void {
    try {
      const { registry } = this.#supervisor.deps;
      this.#known ??= new Map(registry.announcements.all().map((row) => [row.id, row]));
      const { announced, forgotten } = this.read();
      for (const file of forgotten) removeCard(file);
      this.#watched = announced.flatMap(({ card, liveness }) => (liveness === 'live' ? (card.process ?? []) : []));
      const changes = announced.flatMap((each) => this.#change(each) ?? []);
      for (const change of changes) this.#save(change);
    } catch (error) {
      this.#supervisor.deps.log.error({ err: error }, 'announcements were not taken in');
      this.#known = null;
    }
  }

  /** Into a registry that has lost them. */
  writeAnew(): void {
    const { registry } = this.#supervisor.deps;
    registry.transaction('usual', () => {
      for (const row of this.#known?.values() ?? []) registry.announcements.save(row);
    });
  }

  /** Forgets services that have not run since `before` and whose cards are gone, `most` at once. How many. */
  forget(before: number, most: number): number {
    const present = new Set(this.read().announced.map(({ card }) => card.id));
    const { registry } = this.#supervisor.deps;
    const isOver = ({ id, at, owner }: AnnouncementRow) =>
      at < before && !present.has(id) && (owner as Owner).liveness !== 'live';
    const old = registry.announcements.all().filter(isOver).slice(0, most);
    registry.transaction('usual', () => {
      for (const { id } of old) registry.announcements.remove(id);
    });
    for (const { id } of old) this.#known?.delete(id);
    return old.length;
  }

  close(): void {
    for (const leave of this.#leaveBeat) leave();
    if (this.#soon) this.#soon.cancel();
    for (const watcher of this.#watchers) watcher.close();
  }

  /** Whether every folder is watched. */
  #watch(): boolean {
    const folders = [this.#paths.run, this.#paths.announce];
    for (const folder of folders) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const watcher = watch(folder, { persistent: false }, (_, name) => {
          if (name?.endsWith('.json')) this.#takeInSoon();
        });
        // Without it the looks have to do.
        watcher.on('error', () => watcher.close());
        this.#watchers.push(watcher);
      } catch {
        // There are too many watches on this system: the looks have to do.
      }
    }
    return this.#watchers.length === folders.length;
  }

  #takeInSoon(): void {
    this.#soon ??= after(QUIET, () => {
      this.#soon = null;
      this.takeIn();
    }).unref();
  }

  #change(announced: Announced): Change | null {
    const { card, origin, file, liveness, identity } = announced;
    const before = this.#known?.get(card.id) ?? null;
    const owner: Owner = {
      pid: card.pid,
      process: card.process,
      origin,
      identity,
      liveness,
      started_at: card.started_at,
    };
    const isSame = before !== null && same(before.owner, owner) && same(before.announcement, card);
    if (origin === 'library' && liveness === 'stale' && isOld(card)) removeCard(file);
    if (isSame) return null;
    const at = this.#supervisor.deps.clock.now();
    const row = { id: card.id, folder: card.folder, service: card.service, owner, announcement: card, at };
    return { row, event: eventOf(announced, before?.owner as Owner | undefined), card };
  }

  #save({ row, event, card }: Change): void {
    const { deps, outbox } = this.#supervisor;
    outbox.row(`announcement ${row.id}`, () => deps.registry.announcements.save(row));
    this.#known?.set(row.id, row);
    if (event === null) return;
    const { folder, project, service, instance, run, pid } = card;
    outbox.event({ at: deps.clock.now(), folder, project, service, instance, run, data: { pid }, ...event }, null);
  }
}

interface Owner
  extends Pick<Announced, 'origin' | 'identity' | 'liveness'>,
    Pick<ServiceCard, 'pid' | 'process' | 'started_at'> {}
interface Change {
  readonly row: AnnouncementRow;
  readonly event: { readonly event: string; readonly message: string } | null;
  readonly card: ServiceCard;
}

/** What reeve runs itself has events of its own. */
function eventOf({ card, liveness }: Announced, before: Owner | undefined): Change['event'] {
  if (card.run !== null) return null;
  const isSameProcess = before !== undefined && before.pid === card.pid && same(before.process, card.process);
  if (isSameProcess && before.liveness === liveness) return null;
  const who = card.pid > 1 ? `pid ${card.pid}` : 'no pid';
  switch (liveness) {
    case 'live':
    case 'unknown':
      return { event: 'service.announced', message: `announced itself (${who}), started manually` };
    case 'stopped':
      return { event: 'service.announced_end', message: `the copy started manually (${who}) has ended` };
    case 'stale':
      return {
        event: 'service.announced_end',
        message: `the copy started manually (${who}) is gone: how it ended is unknown`,
      };
  }
}

function isOld({ ended_at, updated_at }: ServiceCard): boolean {
  const last = Date.parse(ended_at ?? updated_at);
  return Number.isNaN(last) || Date.now() - last > KEEP;
}
/** Rows come back from JSON: what is equal there is equal. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
