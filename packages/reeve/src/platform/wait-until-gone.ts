import { type FSWatcher, watch } from 'node:fs';
import { after } from '@reeve/host';

/** What to look at, and what may tell that looking is worth while. */
export interface GoneWatch {
  /** `first`: there was no look yet, so what earlier snapshots say may be older than the run. */
  isEmpty(look: 'first' | 'again'): Promise<'empty' | 'cgroup' | 'outside'>;
  /** A file that the kernel reports a change of when the last process leaves (cgroup.events); null: there is none. */
  readonly file: string | null;
  /** Calls back when an exit becomes known; returns how to stop. */
  onHint(callback: () => void): () => void;
}

const CGROUP_POLL = 50;
const FIRST_RESCAN = 20;
const LAST_RESCAN = 100;

/** Resolves with true as soon as no process is left (looked at once first), or with false when aborted. */
export async function waitUntilGone(target: GoneWatch, signal: AbortSignal): Promise<boolean> {
  const isAborted = () => signal.aborted;
  if (isAborted()) return false;
  const bell = newBell();
  const unhint = target.onHint(bell.ring);
  signal.addEventListener('abort', bell.ring, { once: true });
  const watcher = target.file === null ? null : watchFile(target.file, bell.ring);
  try {
    let rescan = FIRST_RESCAN;
    for (let look: 'first' | 'again' = 'first'; ; look = 'again') {
      const left = await target.isEmpty(look);
      if (isAborted()) return false;
      if (left === 'empty') return true;
      await bell.wait(left === 'cgroup' ? CGROUP_POLL : rescan);
      if (left === 'outside') rescan = Math.min(rescan * 1.5, LAST_RESCAN);
    }
  } finally {
    watcher?.close();
    signal.removeEventListener('abort', bell.ring);
    unhint();
  }
}

/** A ring wakes the one that waits; a ring while none waits is not lost. */
function newBell(): { readonly ring: () => void; wait(limit: number): Promise<void> } {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(limit) {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = after(limit, resolve);
          wake = () => {
            timer.cancel();
            resolve();
          };
        });
      }
      wake = null;
      rung = false;
    },
  };
}

/** null when the file is gone already, or when the system has no watches left: the poll finds out as well. */
function watchFile(file: string, changed: () => void): FSWatcher | null {
  try {
    return watch(file, { persistent: false }, changed).on('error', changed);
  } catch {
    return null;
  }
}
