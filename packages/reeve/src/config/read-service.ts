import { constants } from 'node:os';
import { resolve } from 'node:path';
import type { DependencySpec, LogSpec, RestartSpec, SecretSource, ServiceSpec, StopSpec } from '@reeve/contract';
import { formatDuration, parseBackoff, parseBudget, parseSize, shortestCrashLoop } from '../core/spec/durations.ts';
import { hasReference } from '../core/spec/interpolate.ts';
import { nearestName } from '../core/spec/nearest-name.ts';
import type { Cursor } from './cursor.ts';
import { duration, readHealth, readReady, readyTimeout } from './read-checks.ts';
import { readCommand, readShell } from './read-command.ts';
import type { PlacedPort } from './read-ports.ts';
import { CONDITIONS, LIMITS, POLICIES } from './schema-parts.ts';
import { BACKOFF, BUDGET, SIZE } from './schema-values.ts';

/** What is known of a service before the rest of it can be read. */
export interface Groundwork {
  readonly name: string;
  /** Of the config file. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly env_files: readonly string[];
  readonly ports: readonly PlacedPort[];
  readonly instances: number;
}

/** One service, every default filled in. What is wrong goes to the findings; something stands in for it. */
export function readService(cursor: Cursor, ground: Groundwork): ServiceSpec {
  const { name, folder, env, env_files, instances } = ground;
  const oneshot = cursor.key('oneshot').bool() ?? false;
  const hasTcpPort = ground.ports.some((port) => port.protocol === 'tcp');
  const readiness = readReady(cursor.key('ready'), hasTcpPort);
  const { ready } = readiness;
  const health = readHealth(cursor.key('health'), hasTcpPort);
  if (oneshot) refuseChecksOfOneshot(cursor);
  const logs = readLogs(cursor.key('logs'));
  if (logs === null) refuseUnheardLog(cursor, ready?.kind === 'log', health?.check.kind === 'log');
  return {
    name,
    description: cursor.key('description').now() ?? '',
    command: readCommand(cursor.key('command'), readShell(cursor.key('shell'))),
    cwd: readCwd(cursor.key('cwd'), folder),
    env,
    env_files,
    ports: ground.ports.map(({ name, port, protocol, shared }) => ({ name, port, protocol, shared })),
    ready: oneshot ? null : ready,
    ready_timeout: readyTimeout(readiness, health),
    health: oneshot ? null : health,
    on_unhealthy: cursor.key('on_unhealthy').word(['restart', 'alert', 'nothing']) ?? 'restart',
    depends_on: readDependencies(cursor.key('depends_on')),
    restart: readRestart(cursor.key('restart'), oneshot),
    stop: readStop(cursor.key('stop')),
    oneshot,
    instances,
    autostart: cursor.key('autostart').bool() ?? true,
    user: cursor.key('user').now(),
    group: cursor.key('group').now(),
    umask: cursor.key('umask').parsed(parseMask, 'an octal mask such as 022'),
    nice: cursor.key('nice').integer(-20, 19),
    limits: readLimits(cursor.key('limits')),
    logs,
    groups: readNames(cursor.key('groups')),
    capabilities: readNames(cursor.key('capabilities')),
    is_system: cursor.key('is_system').bool() ?? false,
    secrets: readSecrets(cursor.key('secrets'), folder),
    cleanup: readCleanup(cursor.key('cleanup')),
  };
}

/** A folder's own `${` is not a reference. */
function literal(path: string): string {
  return path.replaceAll('${', () => '$${');
}

function readCwd(cursor: Cursor, folder: string): string {
  const raw = cursor.raw();
  if (raw === null) return literal(folder);
  if (!hasReference(raw)) return literal(resolve(folder, raw));
  return raw.startsWith('/') || raw.startsWith('${') ? raw : `${literal(folder)}/${raw}`;
}

function readSecrets(cursor: Cursor, folder: string): ServiceSpec['secrets'] {
  const sources: Record<string, SecretSource> = {};
  for (const { name, value } of cursor.entries()) {
    const [file, command] = [value.key('file'), value.key('command')];
    if (file.exists === command.exists)
      value.fault(file.exists ? 'file and command cannot be combined' : 'specifies no source', {
        expected: 'one of file, command',
      });
    else if (file.exists) sources[name] = { kind: 'file', path: readCwd(file, folder) };
    else sources[name] = { kind: 'command', command: readCommand(command) };
  }
  return sources;
}

function readDependencies(cursor: Cursor): readonly DependencySpec[] {
  const plain = { condition: 'ready', required: true, on_down: 'ignore' } as const;
  const listed = cursor.items().flatMap((item) => {
    const service = item.now();
    return service === null ? [] : [{ service, ...plain }];
  });
  const mapped = cursor.entries().map(({ name, value }) => ({
    service: name,
    condition: (value.node?.kind === 'map' ? value.key('condition') : value).word(CONDITIONS) ?? plain.condition,
    required: value.key('required').bool() ?? plain.required,
    on_down: value.key('on_down').word(['ignore', 'restart', 'stop', 'pause']) ?? plain.on_down,
  }));
  return [...listed, ...mapped];
}

const BACKOFF_DEFAULT = { min: 500, max: 30_000 };
const LIMIT_DEFAULT = { count: 5, period: 60_000 };

function readRestart(cursor: Cursor, oneshot: boolean): RestartSpec {
  const policy = cursor.word(POLICIES) ?? cursor.key('policy').word(POLICIES) ?? (oneshot ? 'never' : 'on-failure');
  const backoff = cursor.key('backoff').parsed(parseBackoff, BACKOFF) ?? BACKOFF_DEFAULT;
  const limit =
    cursor.key('limit').parsed((text) => (text === 'none' ? 'none' : parseBudget(text)), BUDGET) ?? LIMIT_DEFAULT;
  if (limit === 'none') return { policy, backoff, limit: null };
  const shortest = shortestCrashLoop(backoff, limit.count);
  if (policy !== 'never' && shortest >= limit.period) {
    const place = cursor.key('limit').exists ? cursor.key('limit') : cursor.key('backoff');
    const message = `${limit.count} restarts can never happen within ${formatDuration(limit.period)}: with this back-off they take at least ${formatDuration(shortest)}`;
    place.fault(message, { expected: 'a longer period, a smaller count, a shorter back-off, or `limit: none`' });
  }
  return { policy, backoff, limit };
}

/** They suspend a process and never end it. */
const NO_STOP_SIGNALS = ['SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGCONT', 'SIGCHLD'];

function readStop(cursor: Cursor): StopSpec {
  const timeout = duration(cursor.key('timeout'));
  return {
    signal: readSignal(cursor.key('signal')),
    timeout: timeout ?? 10_000,
    timeout_declared: timeout !== null,
    mode: cursor.key('mode').word(['main_first', 'all', 'main']) ?? 'main_first',
    command: cursor.key('command').exists ? readCommand(cursor.key('command')) : null,
  };
}

function readCleanup(cursor: Cursor): ServiceSpec['cleanup'] {
  if (!cursor.exists) return null;
  return { command: readCommand(cursor.key('command')), timeout: duration(cursor.key('timeout')) ?? 5000 };
}

function readSignal(cursor: Cursor): string {
  const text = cursor.now();
  if (text === null) return 'SIGTERM';
  const name = text.toUpperCase().startsWith('SIG') ? text.toUpperCase() : `SIG${text.toUpperCase()}`;
  const known = Object.keys(constants.signals);
  if (!known.includes(name))
    cursor.fault(`"${text}" is not a valid signal`, {
      near: nearestName(name, known),
      expected: 'a signal such as SIGTERM, SIGINT or SIGQUIT',
    });
  if (NO_STOP_SIGNALS.includes(name))
    cursor.fault(`${name} does not end a process`, { expected: 'a signal such as SIGTERM, SIGINT or SIGQUIT' });
  return name;
}

function parseMask(text: string): number | null {
  return /^(0o?)?[0-7]{1,3}$/.test(text) ? Number.parseInt(text.replace('o', ''), 8) : null;
}

function readLimits(cursor: Cursor): Readonly<Record<string, number>> {
  const limits: Record<string, number> = {};
  for (const name of LIMITS) {
    const value = cursor.key(name).parsed(parseSize, SIZE);
    if (value !== null) limits[name] = value;
  }
  return limits;
}

function readLogs(cursor: Cursor): LogSpec | null {
  if (cursor.bool() === false) return null;
  const max_size = cursor.key('max_size').parsed(parseSize, SIZE);
  if (max_size !== null && max_size < 4096)
    cursor.key('max_size').fault(`${max_size} bytes is too small for a log file`, { expected: 'at least 4096 bytes' });
  return {
    max_size: max_size ?? 10 * 1024 ** 2,
    max_files: cursor.key('max_files').integer(1, 10_000) ?? 5,
    max_age: duration(cursor.key('max_age')),
    compress: cursor.key('compress').bool() ?? true,
  };
}

/** A one-shot is ready when it has completed, and its health is not checked meanwhile. */
function refuseChecksOfOneshot(cursor: Cursor): void {
  for (const key of ['ready', 'health', 'on_unhealthy'])
    if (cursor.key(key).exists)
      cursor.key(key).fault(`${key} has no effect: a one-shot is ready when it has completed`, {
        expected: `no ${key}, or no \`oneshot\``,
      });
}

/** A service without a log has no line to wait for: it would never be ready, and be killed for it. */
function refuseUnheardLog(cursor: Cursor, ready: boolean, health: boolean): void {
  for (const key of [ready ? 'ready' : null, health ? 'health' : null]) {
    if (key === null) continue;
    cursor.key(key).key('log').fault('waits for a log line, but `logs: false` discards them', {
      expected: '`logs` kept, or another check',
    });
  }
}

function readNames(cursor: Cursor): readonly string[] {
  return [...new Set(cursor.items().flatMap((item) => item.now() ?? []))];
}
