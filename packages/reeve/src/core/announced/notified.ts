import type { Millis } from '../../base/instant.ts';
import type { Announced, NotifyWord } from './notify.ts';

/** What the present run has said about itself; kept for the next daemon, forgotten with the run. */
export interface Notified {
  /** One line for people. */
  readonly status: string | null;
  readonly isReloading: boolean;
  readonly isStopping: boolean;
  /** Its own idea of how often it pings; null: as declared. */
  readonly watchdog: Millis | null;
  readonly announced: Announced;
}

const NOTHING_ANNOUNCED: Announced = {
  ports: [],
  depends: [],
  capabilities: [],
  cleanup: null,
  start: null,
  data: null,
};
export const NOTHING_SAID: Notified = {
  status: null,
  isReloading: false,
  isStopping: false,
  watchdog: null,
  announced: NOTHING_ANNOUNCED,
};

/** The same value where the word changes nothing that is kept. */
export function remember(before: Notified, word: NotifyWord): Notified {
  switch (word.key) {
    case 'status':
      return before.status === (word.text || null) ? before : { ...before, status: word.text || null };
    case 'reloading':
      return before.isReloading ? before : { ...before, isReloading: true };
    case 'ready':
      return before.isReloading ? { ...before, isReloading: false } : before;
    case 'stopping':
      return before.isStopping ? before : { ...before, isStopping: true };
    case 'watchdog':
      return before.watchdog === word.timeout ? before : { ...before, watchdog: word.timeout };
    case 'announce':
      return { ...before, announced: { ...before.announced, ...word.part } };
    case 'main':
    case 'ping':
    case 'trigger':
    case 'extend':
    case 'errno':
    case 'bus_error':
    case 'health':
    case 'bad':
      return before;
  }
}
