import type { Millis } from '../../base/instant.ts';

/**
 * sd_notify as services speak it: lines `KEY=value`. Pure: from text to words; what follows from a word is decided
 * elsewhere. Source: sd_notify(3); the `X_REEVE_` keys are DESIGN.md's, Library.
 */
export type NotifyWord =
  | { readonly key: 'ready' }
  | { readonly key: 'reloading' }
  | { readonly key: 'stopping' }
  | { readonly key: 'status'; readonly text: string }
  | { readonly key: 'main'; readonly pid: number }
  /** It lives. */
  | { readonly key: 'ping' }
  /** It asks to be treated as if it had missed its watchdog. */
  | { readonly key: 'trigger' }
  | { readonly key: 'watchdog'; readonly timeout: Millis }
  /** From now on. */
  | { readonly key: 'extend'; readonly by: Millis }
  | { readonly key: 'errno'; readonly number: number }
  | { readonly key: 'bus_error'; readonly name: string }
  | { readonly key: 'health'; readonly ok: boolean; readonly why: string | null }
  | { readonly key: 'announce'; readonly part: Partial<Announced> }
  /** A key that is known with a value that makes no sense. */
  | { readonly key: 'bad'; readonly line: string; readonly why: string };

/** What a service announces about itself (REQUIREMENTS rows A and B). */
export interface Announced {
  readonly ports: readonly number[];
  readonly depends: readonly string[];
  readonly capabilities: readonly string[];
  readonly cleanup: string | null;
  readonly start: string | null;
  readonly data: unknown;
}

/** Longest text that is kept of a status or a reason. Characters. */
const TEXT = 1_000;
const ITEMS = 256;
/** Nothing above it is a pid on Linux (`/proc/sys/kernel/pid_max` ends at 2^22). */
const PID_MAX = 2 ** 22;
/** A service that asks for more gets this. */
const LONGEST: Millis = 24 * 3600_000;

type Reader = (value: string) => NotifyWord | string;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['READY', flag('ready')],
  ['RELOADING', flag('reloading')],
  ['STOPPING', flag('stopping')],
  ['STATUS', (value) => ({ key: 'status', text: shown(value) })],
  ['MAINPID', readPid],
  ['WATCHDOG', readWatchdog],
  ['WATCHDOG_USEC', duration((timeout) => ({ key: 'watchdog', timeout }))],
  ['EXTEND_TIMEOUT_USEC', duration((by) => ({ key: 'extend', by }))],
  ['ERRNO', readErrno],
  ['BUSERROR', (value) => ({ key: 'bus_error', name: shown(value) })],
  ['X_REEVE_PORTS', readPorts],
  ['X_REEVE_DEPENDS', (value) => announce({ depends: listOf(value) })],
  ['X_REEVE_CAPABILITIES', (value) => announce({ capabilities: listOf(value) })],
  ['X_REEVE_CLEANUP', (value) => announce({ cleanup: value.trim() || null })],
  ['X_REEVE_START', (value) => announce({ start: value.trim() || null })],
  ['X_REEVE_HEALTH', readHealth],
  ['X_REEVE_DATA', readData],
]);

/** The words of a datagram, in order. Keys that are not known, and lines without one, are left out. */
export function parseNotification(text: string): readonly NotifyWord[] {
  return text.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    const read = at < 1 ? undefined : READERS.get(line.slice(0, at));
    const word = read?.(line.slice(at + 1));
    if (word === undefined) return [];
    return [typeof word === 'string' ? { key: 'bad', line: shown(line), why: word } : word];
  });
}

function flag(key: 'ready' | 'reloading' | 'stopping'): Reader {
  return (value) => (value === '1' ? { key } : 'only 1 means something');
}

function duration(word: (length: Millis) => NotifyWord): Reader {
  return (value) => {
    const length = /^\d{1,20}$/.test(value) ? Number(value) / 1000 : 0;
    return length > 0 ? word(Math.min(length, LONGEST)) : 'it must be a number of microseconds above 0';
  };
}

function readPid(value: string): NotifyWord | string {
  const pid = /^[1-9]\d{0,9}$/.test(value) ? Number(value) : 0;
  return pid > 1 && pid <= PID_MAX ? { key: 'main', pid } : 'it is not a pid of a service';
}

function readWatchdog(value: string): NotifyWord | string {
  if (value === '1') return { key: 'ping' };
  return value === 'trigger' ? { key: 'trigger' } : 'it must be 1 or trigger';
}

function readErrno(value: string): NotifyWord | string {
  return /^\d{1,4}$/.test(value) ? { key: 'errno', number: Number(value) } : 'it must be an errno';
}

function readPorts(value: string): NotifyWord | string {
  const ports = listOf(value).map((each) => (/^\d{1,5}$/.test(each) ? Number(each) : 0));
  return ports.every((port) => port >= 1 && port <= 65_535)
    ? announce({ ports })
    : 'it must be ports such as 8081,8082';
}

/** `healthy`, or `unhealthy` with a reason after a colon. */
function readHealth(value: string): NotifyWord | string {
  const [name, ...rest] = value.split(':');
  const why = shown(rest.join(':')) || null;
  if (name !== 'healthy' && name !== 'unhealthy') return 'it must be healthy, or unhealthy:reason';
  return { key: 'health', ok: name === 'healthy', why };
}

function readData(value: string): NotifyWord | string {
  try {
    return announce({ data: JSON.parse(value) as unknown });
  } catch {
    return 'it is not JSON';
  }
}

function announce(part: Partial<Announced>): NotifyWord {
  return { key: 'announce', part };
}

function listOf(value: string): readonly string[] {
  const items = value.split(',').map((each) => each.trim());
  return [...new Set(items)].filter((each) => each !== '').slice(0, ITEMS);
}

function shown(text: string): string {
  return text.trim().slice(0, TEXT);
}
