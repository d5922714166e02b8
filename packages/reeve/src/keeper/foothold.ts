import { statSync } from 'node:fs';
import { acquireLock, type HomePaths, type Lock, prepareHome } from '@reeve/host';
import { BEAT, type Beat } from '../base/beat.ts';
import type { Journal } from './journal/journal.ts';
import type { KeeperServer } from './server.ts';

export interface FootholdWorld {
  readonly paths: HomePaths;
  readonly journal: Journal;
  readonly server: KeeperServer;
  readonly report: (message: string) => void;
  /** Another keeper is at work in this home. */
  readonly onReplaced: () => void;
}

/**
 * What makes a keeper the keeper of its home is a lock, a socket and a journal, and anyone may remove their files. As
 * long as no other keeper has come in between, they are put back: what runs has no one else to copy its output and to
 * wait for its end.
 */
export class Foothold {
  readonly #world: FootholdWorld;
  #lock: Lock;
  #isLooking = false;
  #failure = '';

  constructor(lock: Lock, world: FootholdWorld, beat: Beat) {
    this.#lock = lock;
    this.#world = world;
    beat.every(BEAT, () => void this.look());
  }

  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#lookAtAll();
      this.#failure = '';
    } catch (error) {
      const failure = String(error);
      if (failure !== this.#failure) this.#world.report(`cannot put back what was removed: ${failure}`);
      this.#failure = failure;
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookAtAll(): Promise<void> {
    const { paths, journal, server, report } = this.#world;
    // A home that is gone is not made again: the next command makes it, and finds what runs.
    if (!statSync(paths.home, { throwIfNoEntry: false })?.isDirectory()) return;
    if (!this.#lock.isInPlace()) {
      prepareHome(paths.home);
      const again = await acquireLock(paths.keeperLock);
      if (again === null) return this.#world.onReplaced();
      report(`its lock ${paths.keeperLock} was removed: taken again`);
      this.#lock.giveAway();
      this.#lock = again;
    }
    if (!journal.isInPlace()) {
      journal.putBack();
      report('its journal was removed or replaced: written again');
    }
    if (statSync(paths.keeperSocket, { throwIfNoEntry: false })?.isSocket()) return;
    await server.listen(paths.keeperSocket);
    report(`its socket ${paths.keeperSocket} was removed: listening again`);
  }
}
