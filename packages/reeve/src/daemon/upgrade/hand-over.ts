import { ReeveError } from '@reeve/contract';
import type { Lock } from '@reeve/host';
import type { DaemonLog } from '../log/daemon-log.ts';
import type { Successor } from './successor-process.ts';

/** A daemon that has let go of everything but the lock, because a successor waits. */
export interface HandOver {
  readonly successor: Successor;
  /** When it stopped answering (`performance.now`). */
  readonly since: number;
  readonly log: DaemonLog;
  /** Answers the call that asked for it. */
  readonly resolve: (done: { readonly pid: number; readonly away: number }) => void;
  readonly reject: (error: ReeveError) => void;
}

/** Lets the successor serve. Null: it does, and the lock is its alone; else why it could not, and it is gone. */
export async function handOver({ successor, since, log, resolve }: HandOver, lock: Lock): Promise<ReeveError | null> {
  try {
    await successor.takeOver();
  } catch (error) {
    lock.claim();
    log.error({ err: error }, 'the successor did not take over: this daemon continues');
    return error instanceof ReeveError ? error : new ReeveError('UPGRADE_FAILED', { why: String(error) });
  }
  lock.giveAway();
  resolve({ pid: successor.pid, away: Math.round(performance.now() - since) });
  // The answer goes out before this process does.
  await new Promise((written) => setImmediate(written));
  return null;
}
