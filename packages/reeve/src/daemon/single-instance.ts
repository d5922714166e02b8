import { ReeveError } from '@reeve/contract';
import { acquireLock, type Lock, lockHolder } from '@reeve/host';

/**
 * The daemon's claim on its home: an OS lock on `run/daemon.lock`, free the moment the daemon ends, however it ends.
 * Hold it until everything that only one daemon may own (control socket, registry, log) is closed.
 * Throws DAEMON_RUNNING with the holder's pid, or what the system says of the file.
 */
export async function takeDaemonLock(paths: { readonly home: string; readonly daemonLock: string }): Promise<Lock> {
  const lock = await acquireLock(paths.daemonLock);
  if (lock) return lock;
  throw new ReeveError('DAEMON_RUNNING', { home: paths.home, pid: lockHolder(paths.daemonLock) ?? 'unknown' });
}
