import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { bindScheduling, type SchedulingCalls } from './scheduling-calls.ts';
import { bindSockets, type SocketCalls } from './socket-calls.ts';

/** Source: include/uapi/asm-generic/resource.h, where the place of each is its number. */
export const LIMIT_NAMES = [
  'cpu',
  'fsize',
  'data',
  'stack',
  'core',
  'rss',
  'nproc',
  'nofile',
  'memlock',
  'as',
  'locks',
  'sigpending',
  'msgqueue',
  'nice',
  'rtprio',
  'rttime',
] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];
export interface Limit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/**
 * The few system calls that Node does not offer. The binding (koffi) is optional: without it everything still works,
 * with the fallbacks that the callers name. Calls throw an `ErrnoException`, except where a `null` or `false` is said.
 */
export interface Syscalls extends SocketCalls, SchedulingCalls {
  /** true: taken (or given back); false: another process holds it. The lock belongs to the open file description. */
  flock(fd: number, how: 'exclusive-nonblocking' | 'unlock'): boolean;
  /** The umask applies, as in mkfifo(3). */
  mkfifo(path: string, mode: number): void;
  /** A close-on-exec descriptor of the process, to be closed with `fs.closeSync`; null: there is no such process. */
  pidfdOpen(pid: number): number | null;
  /** false: the process has ended. */
  pidfdSendSignal(pidfd: number, signal: number): boolean;
  /** Orphans among our descendants become our children instead of init's. Source: prctl(2). */
  setChildSubreaper(): void;
  /** null: it still runs. `gone`: it is not (or no longer) our child. */
  waitpidNoHang(pid: number): { readonly code: number | null; readonly signal: number | null } | 'gone' | null;
  /** A limit of our own, which children inherit; unlimited is 2^64 - 1. Source: getrlimit(2). */
  limit(name: LimitName): Limit;
  setLimit(name: LimitName, limit: Limit): void;
}
export type Binding =
  | { readonly available: true; readonly calls: Syscalls }
  | { readonly available: false; readonly why: string };

let loaded: Binding | null = null;

/** Loads the binding at the first call. Never throws: a binding that is absent or fails says why. */
export function loadSyscalls(): Binding {
  loaded ??= attempt();
  return loaded;
}

/** A binding that is not there: what the fallbacks are tested with. */
export function withoutBinding(why: string): Binding {
  return { available: false, why };
}

function attempt(): Binding {
  if (process.platform !== 'linux') return withoutBinding(`no system-call binding for ${process.platform}`);
  try {
    return { available: true, calls: bind(createRequire(import.meta.url)('koffi') as Koffi) };
  } catch (error) {
    return withoutBinding(`koffi cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

type Call = (...args: readonly unknown[]) => number;
interface Koffi {
  load(path: null): { func(definition: string): Call };
  errno(): number;
  struct(fields: Readonly<Record<string, string>>): unknown;
  pointer(type: unknown): unknown;
}

/** Since Linux 5.1 new calls have one number on every architecture that Node runs on. */
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_SEND_SIGNAL = 424;
const PR_SET_CHILD_SUBREAPER = 36;
const LOCK = { 'exclusive-nonblocking': 2 | 4, unlock: 8 } as const;
const WNOHANG = 1;

function bind(koffi: Koffi): Syscalls {
  const libc = koffi.load(null);
  const flock = libc.func('int flock(int fd, int how)');
  const mkfifo = libc.func('int mkfifo(const char *path, uint32 mode)');
  const prctl = libc.func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)');
  const waitpid = libc.func('int waitpid(int pid, _Out_ int *status, int options)');
  // uint64[2] is struct rlimit64 { soft, hard }.
  const getLimit = libc.func('int getrlimit64(int resource, _Out_ uint64 *limit)');
  const setLimit = libc.func('int setrlimit64(int resource, const uint64 *limit)');
  const failed = () => errorName(koffi.errno());
  const must = (result: number, call: string, path?: string): number => {
    if (result < 0) throw systemError(call, koffi.errno(), path);
    return result;
  };
  const read = (name: LimitName): BigUint64Array => {
    const limit = new BigUint64Array(2);
    must(getLimit(LIMIT_NAMES.indexOf(name), limit), `getrlimit ${name}`);
    return limit;
  };
  return {
    flock(fd, how) {
      const result = flock(fd, LOCK[how]);
      if (result < 0 && failed() === 'EAGAIN') return false;
      return must(result, 'flock') === 0;
    },
    mkfifo: (path, mode) => void must(mkfifo(path, mode), 'mkfifo', path),
    ...bindPidfd(libc, failed, must),
    ...bindScheduling(libc, must),
    ...bindSockets(libc, failed, must, closeSync),
    setChildSubreaper: () => void must(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 'prctl'),
    waitpidNoHang(pid) {
      const status = [0];
      const result = waitpid(pid, status, WNOHANG);
      if (result < 0 && failed() === 'ECHILD') return 'gone';
      return must(result, 'waitpid') === 0 ? null : decodeWait(status[0] ?? 0);
    },
    limit(name) {
      const [soft = 0n, hard = 0n] = read(name);
      return { soft, hard };
    },
    setLimit(name, { soft, hard }) {
      must(setLimit(LIMIT_NAMES.indexOf(name), new BigUint64Array([soft, hard])), `setrlimit ${name}`);
    },
  };
}

function bindPidfd(
  libc: ReturnType<Koffi['load']>,
  failed: () => string,
  must: (result: number, call: string) => number,
): Pick<Syscalls, 'pidfdOpen' | 'pidfdSendSignal'> {
  const open = libc.func('long syscall(long number, int pid, uint flags)');
  const send = libc.func('long syscall(long number, int pidfd, int signal, void *info, uint flags)');
  return {
    pidfdOpen(pid) {
      const fd = open(SYS_PIDFD_OPEN, pid, 0);
      if (fd < 0 && failed() === 'ESRCH') return null;
      return must(fd, 'pidfd_open');
    },
    pidfdSendSignal(pidfd, signal) {
      const result = send(SYS_PIDFD_SEND_SIGNAL, pidfd, signal, null, 0);
      if (result < 0 && failed() === 'ESRCH') return false;
      return must(result, 'pidfd_send_signal') === 0;
    },
  };
}

/** A wait(2) status in parts. */
export function decodeWait(status: number): { readonly code: number | null; readonly signal: number | null } {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal };
}

/** Not `util.getSystemErrorName`: libuv does not know ECHILD. */
function errorName(errno: number): string {
  const { EWOULDBLOCK: _sameAsEagain, ...names } = constants.errno;
  return Object.entries(names).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
}

function systemError(syscall: string, errno: number, path?: string): NodeJS.ErrnoException {
  const code = errorName(errno);
  const error: NodeJS.ErrnoException = new Error(`${code}: ${syscall}${path === undefined ? '' : ` '${path}'`}`);
  return Object.assign(error, { code, errno: -errno, syscall }, path === undefined ? {} : { path });
}
