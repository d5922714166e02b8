import { readFileSync } from 'node:fs';
import { acquireLock, environOf, identify, type Lock, pause, selfIdentity } from '@reeve/host';
import { AlreadyRunning } from './already-running.ts';
import type { ServicePlace } from './place.ts';

/** How long a holder may need to write its pid, or a dying one's lock to be freed. Milliseconds. */
const PATIENCE = 2000;
const BETWEEN_TRIES = 10;

/**
 * Takes the lock of a name, which is its identity. Throws {@link AlreadyRunning} with the pid of the holder: only a
 * process that lives is named, else it is tried again for at most two seconds.
 */
export async function takeName(place: ServicePlace): Promise<Lock> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const lock = await acquireLock(place.lock, { payload: witness() });
    if (lock) return lock;
    const pid = liveHolder(place.lock);
    if (pid !== null || performance.now() > end) throw new AlreadyRunning(place, pid, { isManaged: isManaged(pid) });
    await pause(BETWEEN_TRIES);
  }
}

/** reeve runs it: ended behind its back it may come again. */
function isManaged(pid: number | null): boolean {
  return pid !== null && environOf(pid)?.has('REEVE_RUN') === true;
}

/** The second line of the lock file: start tick and boot id; `0 -` where the system tells none. */
function witness(): string {
  if (process.platform !== 'linux') return '0 -\n';
  const { start, boot } = selfIdentity();
  return `${start} ${boot}\n`;
}

/** The pid in a lock file whose process lives; null: nothing readable, or a process that has ended. */
function liveHolder(file: string): number | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  const [, pid = '', start = '', boot = ''] = /^(\d+)\n(?:(\d+) (\S+)\n)?/.exec(text) ?? [];
  if (pid === '') return null;
  const now = process.platform === 'linux' ? identify(Number(pid)) : null;
  if (process.platform === 'linux' && now === null) return null;
  const isOther = now !== null && start !== '' && start !== '0' && (now.start !== Number(start) || now.boot !== boot);
  return isOther ? null : Number(pid);
}
