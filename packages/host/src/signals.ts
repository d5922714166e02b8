import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { type ProcessIdentity, ReeveError, type Witness } from '@reeve/contract';
import { bootId, isPid } from './linux/identity.ts';
import { markOf } from './linux/limit-mark.ts';
import { isLiveState, readStat } from './linux/proc-stat.ts';
import { cgroupOf, environOf } from './linux/process-table.ts';
import { type Binding, loadSyscalls } from './linux/syscalls.ts';

export type SignalRefusal = 'gone' | 'recycled' | 'not_permitted' | 'unverifiable' | 'protected';
export type SignalResult =
  | { readonly ok: true; readonly reason: 'done' }
  | { readonly ok: false; readonly reason: SignalRefusal };

export interface SignalOptions {
  /** The limit mark that the process must carry: a witness as good as the cookie, and one that is not lost by accident. */
  readonly mark?: number | null;
  /** A handle on the process that was opened when it was known: its pid cannot be another's while it lives. */
  readonly held?: HeldProcess | null;
  /**
   * A weaker witness for a process that lost all others: a tracker saw it as a member (of the session, the group, the
   * tree) with this identity. It counts when it is equal to the identity to be signalled, so it guards against a
   * reused pid only as far as the start tick does: for systems without handles.
   */
  readonly seen?: ProcessIdentity | null;
  readonly binding?: Binding;
}

/**
 * Sends a signal to exactly this process, or refuses. Identity and witness are read again immediately before: with
 * the kernel's handle (pidfd) nothing can come between the look and the signal.
 * `gone`: it has ended. `recycled`: another process has its pid. `unverifiable`: no declared witness speaks for it.
 * `protected`: not a pid that reeve ever signals (0, 1, ourselves, no number). Throws USAGE for an unknown signal.
 */
export function sendSignal(
  identity: ProcessIdentity,
  witness: Witness,
  signal: string,
  options: SignalOptions = {},
): SignalResult {
  const number = signalNumber(signal);
  if (!isPid(identity.pid) || identity.pid === process.pid) return refuse('protected');
  const handle = openHandle(identity.pid, options.binding ?? loadSyscalls());
  try {
    const refusal = verify(identity, witness, options);
    return refusal === null ? send(identity.pid, number, handle) : refuse(refusal);
  } finally {
    handle?.close();
  }
}

/** The number of a signal by its name (`SIGTERM`). Throws USAGE when there is none. */
export function signalNumber(signal: string): number {
  const number = Object.entries(constants.signals).find(([name]) => name === signal)?.[1];
  if (number !== undefined) return number;
  throw new ReeveError('USAGE', {
    message: `unknown signal "${signal}"`,
    hint: 'for example SIGHUP, SIGUSR1, SIGTERM; `kill -l` lists them',
  });
}

/** Whether this identity may be signalled now; null: yes. */
export function verify(
  identity: ProcessIdentity,
  witness: Witness,
  { mark = null, held = null, seen = null }: Omit<SignalOptions, 'binding'> = {},
): Exclude<SignalRefusal, 'not_permitted'> | null {
  if (!isPid(identity.pid) || identity.pid === process.pid) return 'protected';
  const stat = readStat(identity.pid);
  if (stat === null) return isHidden(identity.pid) ? 'unverifiable' : 'gone';
  if (!isLiveState(stat)) return 'gone';
  if (identity.boot !== bootId() || identity.start !== stat.start) return 'recycled';
  if (mark !== null && markOf(identity.pid) === mark) return null;
  const cookie = witness.cookie === null ? null : checkCookie(identity.pid, witness.cookie);
  if (cookie === 'match') return null;
  if (witness.cgroup !== null && isWithin(cgroupOf(identity.pid), witness.cgroup)) return null;
  if (held !== null && isEqual(held.process, identity) && held.isAlive()) return null;
  if (seen !== null && isEqual(seen, identity)) return null;
  return cookie === 'other' ? 'recycled' : 'unverifiable';
}

function isEqual(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.boot === other.boot && one.pid === other.pid && one.start === other.start;
}

/** Whether a cgroup path is the given one or below it. The root is not a witness: everything is below it. */
export function isWithin(path: string | null, cgroup: string): boolean {
  if (path === null || cgroup === '/' || cgroup === '') return false;
  return path === cgroup || path.startsWith(`${cgroup}/`);
}

function checkCookie(pid: number, cookie: string): 'match' | 'other' | null {
  const value = environOf(pid)?.get('REEVE_RUN');
  if (value === undefined) return null;
  return value === cookie ? 'match' : 'other';
}

/** With hidepid another user's process has no folder in /proc, and is there all the same. */
export function isHidden(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  return false; // ours: we would see it, so it came after the look
}

/** The kernel's handle on one process, kept open. */
export interface HeldProcess extends Disposable {
  readonly process: ProcessIdentity;
  /** Until it has ended and was reaped. */
  isAlive(): boolean;
}

/** null: it is gone, or there are no handles here (no binding, an old kernel, no descriptor left). */
export function holdProcess(process: ProcessIdentity, binding: Binding = loadSyscalls()): HeldProcess | null {
  const handle = isPid(process.pid) ? openHandle(process.pid, binding) : null;
  if (handle === null) return null;
  const stat = readStat(process.pid); // after the handle is open: what has the pid now keeps it
  if (stat === null || process.boot !== bootId() || stat.start !== process.start) {
    handle.close();
    return null;
  }
  let open = true;
  const close = () => {
    if (open) handle.close();
    open = false;
  };
  return { process, isAlive: () => open && isThere(handle), [Symbol.dispose]: close };
}

/** Signal 0 only asks. A process of another user is there. */
function isThere(handle: Handle): boolean {
  try {
    return handle.send(0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

interface Handle {
  send(signal: number): boolean;
  close(): void;
}

/** null: no binding, no such call in this kernel, or no such process: the look that follows tells which. */
function openHandle(pid: number, binding: Binding): Handle | null {
  if (!binding.available) return null;
  const { calls } = binding;
  try {
    const fd = calls.pidfdOpen(pid);
    return fd === null ? null : { send: (signal) => calls.pidfdSendSignal(fd, signal), close: () => closeSync(fd) };
  } catch {
    return null; // ENOSYS, EMFILE, EPERM of a filter: kill(2) serves as well
  }
}

function send(pid: number, signal: number, handle: Handle | null): SignalResult {
  try {
    const sent = handle === null ? process.kill(pid, signal) : handle.send(signal);
    return sent ? { ok: true, reason: 'done' } : refuse('gone');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return refuse('gone');
    if (code === 'EPERM') return refuse('not_permitted');
    throw error;
  }
}

function refuse(reason: SignalRefusal): SignalResult {
  return { ok: false, reason };
}
