import type { CommandCheck, HealthSpec, HttpCheck, LogCheck, ReadySpec, TcpCheck } from '@reeve/contract';
import { formatDuration, parseDuration } from '../core/spec/durations.ts';
import type { Cursor } from './cursor.ts';
import { readCommand } from './read-command.ts';
import { HEALTH_KINDS, READY_KINDS } from './schema-checks.ts';
import { DURATION } from './schema-values.ts';

const READY_TIMEOUT = 30_000;

/**
 * How long a start may take. Where its first healthy answer is what makes a service ready, its start period is part of
 * the start: it would be killed before that is over.
 */
export function readyTimeout({ ready, timeout }: ReturnType<typeof readReady>, health: HealthSpec | null): number {
  if (timeout !== null) return timeout;
  return ready === null && health !== null ? Math.max(READY_TIMEOUT, health.start_period) : READY_TIMEOUT;
}

/** `hasTcpPort`: whether a `/path` has a port to be asked on. `timeout` is null where none is declared. */
export function readReady(
  cursor: Cursor,
  hasTcpPort: boolean,
): { readonly ready: ReadySpec | null; readonly timeout: number | null } {
  const word = cursor.word(['notify', 'ipc']);
  const timeout = duration(cursor.key('timeout'));
  if (word) return { ready: { kind: word }, timeout };
  const kind = onlyKind(cursor, READY_KINDS, true);
  if (kind === null) return { ready: null, timeout };
  if (kind === 'delay') {
    const delay = duration(cursor.key('delay')) ?? 0;
    const limit = timeout ?? READY_TIMEOUT;
    if (delay >= limit)
      cursor
        .key('delay')
        .fault(`delay (${formatDuration(delay)}) is longer than ready.timeout (${formatDuration(limit)})`, {
          expected: 'a shorter delay, or a longer `timeout` beside it',
        });
    return { ready: { kind, delay }, timeout };
  }
  if (kind === 'notify' || kind === 'ipc') return { ready: { kind }, timeout };
  if (kind === 'fd') return { ready: { kind, fd: cursor.key('fd').integer(3, 255) ?? 3 }, timeout };
  return { ready: readCheck(cursor, kind, hasTcpPort), timeout };
}

export function readHealth(cursor: Cursor, hasTcpPort: boolean): HealthSpec | null {
  if (cursor.node?.kind !== 'map') return null;
  const kind = onlyKind(cursor, HEALTH_KINDS, false);
  if (kind === null) return null;
  const check =
    kind === 'watchdog'
      ? ({ kind, timeout: positive(cursor.key(kind)) ?? 0 } as const)
      : readCheck(cursor, kind, hasTcpPort);
  return {
    check,
    interval: positive(cursor.key('interval')) ?? 5000,
    timeout: positive(cursor.key('timeout')) ?? 2000,
    retries: cursor.key('retries').integer(1, 1000) ?? 3,
    successes: cursor.key('successes').integer(1, 1000) ?? 1,
    start_period: duration(cursor.key('start_period')) ?? 10_000,
  };
}

export function duration(cursor: Cursor): number | null {
  return cursor.parsed(parseDuration, DURATION);
}

function positive(cursor: Cursor): number | null {
  const length = duration(cursor);
  if (length === 0) cursor.fault('is 0', { expected: 'a duration above 0, such as 5s' });
  return length;
}

/** The one kind of check that is named. */
function onlyKind<const K extends string>(cursor: Cursor, kinds: readonly K[], mayBeNone: boolean): K | null {
  if (cursor.node?.kind !== 'map') return null;
  const named = kinds.filter((kind) => cursor.key(kind).exists);
  if (named.length > 1) {
    const second = cursor.entries().filter(({ name }) => (named as string[]).includes(name))[1];
    cursor.fault(`${named.join(' and ')} cannot be combined`, {
      at: second?.key,
      expected: `one of ${kinds.join(', ')}`,
    });
  }
  const onlyTimeout = mayBeNone && cursor.key('timeout').exists && cursor.entries().length === 1;
  const mistyped = cursor.entries().some(({ key }) => cursor.reading.findings.hasAt(key));
  if (named.length === 0 && !onlyTimeout && !mistyped)
    cursor.fault('specifies no check', { expected: `one of ${kinds.join(', ')}` });
  for (const extra of ['status', 'body']) {
    if (named[0] !== 'http' && cursor.key(extra).exists)
      cursor.key(extra).fault(`${extra} belongs to http`, { expected: '`http` beside it' });
  }
  return named[0] ?? null;
}

type Kind = 'http' | 'tcp' | 'command' | 'log';

function readCheck(cursor: Cursor, kind: Kind, hasTcpPort: boolean): HttpCheck | TcpCheck | CommandCheck | LogCheck {
  const value = cursor.key(kind);
  switch (kind) {
    case 'http':
      return {
        kind,
        url: readUrl(value, hasTcpPort),
        status: cursor.key('status').parsed(parseStatus, 'status codes such as 200, 200-399 or 200,204') ?? [
          [200, 399],
        ],
        body: cursor.key('body').raw(),
      };
    case 'tcp':
      return { kind, address: readAddress(value) };
    case 'command':
      return { kind, command: readCommand(value) };
    case 'log':
      return { kind, pattern: value.raw() ?? '' };
  }
}

function readUrl(cursor: Cursor, hasTcpPort: boolean): string {
  const raw = cursor.raw() ?? '';
  const url = raw === '' ? null : cursor.parsed(parseUrl, 'an http:// or https:// URL, or a /path');
  if (url?.startsWith('/') && !hasTcpPort)
    cursor.fault('is a path, but the service declares no TCP port', {
      expected: 'a full URL, or `ports` in the service',
    });
  return raw;
}

function parseUrl(text: string): string | null {
  if (text.startsWith('/')) return URL.canParse(text, 'http://127.0.0.1') ? text : null;
  return /^https?:\/\//i.test(text) && URL.canParse(text) ? text : null;
}

function readAddress(cursor: Cursor): string {
  const raw = cursor.raw() ?? '';
  if (raw !== '') cursor.parsed(parseAddress, 'a port or host:port');
  return raw;
}

function parseAddress(text: string): string | null {
  const m = /^(?:(?:\[[0-9A-Fa-f:.%]+\]|[^\s:/[\]]+):)?(\d{1,5})$/.exec(text);
  const port = Number(m?.[1]);
  return m && port >= 1 && port <= 65_535 ? text : null;
}

function parseStatus(text: string): readonly (readonly [number, number])[] | null {
  const ranges = text.split(',').map((part) => {
    const m = /^\s*([1-5]\d\d)\s*(?:-\s*([1-5]\d\d)\s*)?$/.exec(part);
    return m ? ([Number(m[1]), Number(m[2] ?? m[1])] as const) : null;
  });
  const good = ranges.filter((range) => range !== null && range[0] <= range[1]) as (readonly [number, number])[];
  return good.length === ranges.length ? good : null;
}
