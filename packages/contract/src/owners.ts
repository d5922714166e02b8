import type { ServiceCard } from './service-socket.ts';
import type { ProcessIdentity, TrackerName } from './states.ts';

/** A run that is not over, by everything that says which processes are of it. */
export interface RunSigns {
  readonly run: string;
  readonly folder: string;
  readonly project: string;
  readonly service: string;
  readonly index: number;
  readonly main: Pick<ProcessIdentity, 'pid' | 'start'> | null;
  /** Path below the mount point; null: it has none. */
  readonly cgroup: string | null;
  readonly mark: number | null;
  /** Its processes, as its own trackers see them now: they remember what has lost every sign since. */
  readonly members: ReadonlyMap<number, readonly TrackerName[]>;
}

/** A service that said itself that it is there, and whether its process is. */
export interface CardSigns {
  readonly card: ServiceCard;
  readonly liveness: 'live' | 'stale' | 'stopped' | 'unknown';
  /** Only a verified process is ever taken for the one of the card. */
  readonly identity: 'verified' | 'pid' | 'none';
}

/** Which service of this home a process belongs to, and how that is known. */
export interface ProcessOwner<C extends CardSigns = CardSigns> {
  readonly project: string;
  /** null: only what the process itself carries tells, and that names no folder. */
  readonly folder: string | null;
  readonly service: string;
  readonly instance: number;
  /** Of the run; of a service that was started manually the id of its card. */
  readonly run: string;
  readonly isMain: boolean;
  /** The daemon, or the service that was started manually, answers for it. Otherwise it was left behind. */
  readonly isLive: boolean;
  /** The card of a service that reeve did not start; null: reeve started it. */
  readonly byHand: C | null;
  readonly foundBy: readonly TrackerName[];
}
