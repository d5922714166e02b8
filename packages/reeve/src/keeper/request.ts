import {
  type AdoptedRun,
  type Channels,
  isMark,
  type KeeperRequest,
  type LogSpec,
  NO_CHANNELS,
  type ProcessIdentity,
  type RunOrigin,
  type SpawnRequest,
} from '@reeve/contract';
import { Refused } from './refusal.ts';

/** A message as it came: its `id`, and what it asks for. */
export interface Numbered {
  readonly id: number;
  readonly request: KeeperRequest;
}
type Fields = Readonly<Record<string, unknown>>;

/** The number in a line that is otherwise no request, so that its sender hears of it; -1: there is none. */
export function numberOf(line: string): number {
  try {
    const value: unknown = JSON.parse(line);
    return isFields(value) && Number.isSafeInteger(value['id']) ? (value['id'] as number) : -1;
  } catch {
    return -1;
  }
}

/** Throws {@link Refused} BAD_REQUEST, naming the field. */
export function parseRequest(line: string): Numbered {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw bad('this is not JSON');
  }
  if (!isFields(value)) throw bad('a request is an object');
  const id = integer(value, 'id');
  const { do: what } = value;
  if (what === 'hello') return { id, request: helloOf(value) };
  if (what === 'spawn') return { id, request: { do: what, spawn: spawnOf(value['spawn']) } };
  if (what === 'adopt') return { id, request: { do: what, adopt: adoptedOf(value['adopt']) } };
  if (what === 'describe') return { id, request: { do: what, run: text(value, 'run') } };
  if (what === 'release') return { id, request: { do: what, run: text(value, 'run') } };
  if (what === 'acknowledge') return { id, request: { do: what, seq: integer(value, 'seq') } };
  if (what === 'hold') return { id, request: { do: what, socket: socketOf(value['socket']) } };
  if (what === 'drop') return { id, request: { do: what, key: text(value, 'key') } };
  if (what === 'ping') return { id, request: pingOf(value) };
  if (what === 'leave') return { id, request: { do: what } };
  throw bad(`do: ${String(what)} is not known here`);
}

function helloOf(value: Fields): KeeperRequest {
  const pid = value['pid'] === undefined ? {} : { pid: between(value, 'pid', 1, Number.MAX_SAFE_INTEGER) };
  return { do: 'hello', protocol: integer(value, 'protocol'), since: integer(value, 'since'), ...pid };
}

function pingOf(value: Fields): KeeperRequest {
  return value['busy'] === undefined ? { do: 'ping' } : { do: 'ping', busy: text(value, 'busy') };
}

function spawnOf(value: unknown): SpawnRequest {
  if (!isFields(value)) throw bad('spawn must be an object');
  return {
    run: matching(value, 'run', RUN),
    id: matching(value, 'id', ID),
    argv: argvOf(value['argv']),
    cwd: matching(value, 'cwd', ABSOLUTE),
    env: envOf(value['env']),
    user: value['user'] === null ? null : userOf(value['user']),
    umask: value['umask'] === null ? null : between(value, 'umask', 0, 0o777),
    nice: value['nice'] === null ? null : between(value, 'nice', -20, 19),
    limits: limitsOf(value['limits']),
    cgroup: value['cgroup'] === null ? null : matching(value, 'cgroup', ABSOLUTE),
    mark: value['mark'] === null ? null : markOf(value),
    logs: value['logs'] === null ? null : logsOf(value['logs']),
    channels: value['channels'] === undefined ? NO_CHANNELS : channelsOf(value['channels']),
    ...originOf(value['origin']),
  };
}

/** The code that asks for it reads it: here it only has to be an object. */
function originOf(value: unknown): { readonly origin?: RunOrigin } {
  if (value === undefined) return {};
  if (!isFields(value)) throw bad('origin must be an object');
  return { origin: value as unknown as RunOrigin };
}

function adoptedOf(value: unknown): AdoptedRun {
  if (!isFields(value)) throw bad('adopt must be an object');
  return {
    run: matching(value, 'run', RUN),
    id: matching(value, 'id', ID),
    process: processOf(value['process']),
    logs: value['logs'] === null ? null : logsOf(value['logs']),
    channels: value['channels'] === undefined ? NO_CHANNELS : channelsOf(value['channels']),
    ...originOf(value['origin']),
  };
}

function processOf(value: unknown): ProcessIdentity {
  if (!isFields(value)) throw bad('process must be an object');
  const most = Number.MAX_SAFE_INTEGER;
  return { boot: text(value, 'boot'), pid: between(value, 'pid', 2, most), start: between(value, 'start', 0, most) };
}

function markOf(value: Fields): number {
  const { mark } = value;
  if (isMark(mark)) return mark;
  throw bad('mark must be null, or a number of microseconds so large that it has no effect');
}

const RUN = /^[A-Za-z0-9_-]{1,100}$/;
const ID = /^[0-9a-f]{12}$/;
const ABSOLUTE = /^\/[^\0]*$/;
const ID_MAX = 2 ** 32 - 2;

function argvOf(value: unknown): readonly string[] {
  const fine = Array.isArray(value) && value.length > 0 && value.every(isPlainText) && value[0] !== '';
  if (!fine) throw bad('argv must be a list of texts without NUL, the first not empty');
  return value;
}

function envOf(value: unknown): SpawnRequest['env'] {
  const entries = isFields(value) ? Object.entries(value) : null;
  const fine = entries?.every(
    ([name, text]) => name !== '' && !name.includes('=') && isPlainText(name) && isPlainText(text),
  );
  if (!fine) throw bad('env must map names (no "=", no NUL, not empty) to texts without NUL');
  return value as SpawnRequest['env'];
}

function userOf(value: unknown): NonNullable<SpawnRequest['user']> {
  if (!isFields(value)) throw bad('user must be an object or null');
  return { name: text(value, 'name'), uid: between(value, 'uid', 0, ID_MAX), gid: between(value, 'gid', 0, ID_MAX) };
}

function limitsOf(value: unknown): SpawnRequest['limits'] {
  const fine = isFields(value) && Object.keys(value).every((name) => /^[a-z]+$/.test(name));
  if (!fine) throw bad('limits must map names of limits to numbers');
  return Object.fromEntries(Object.keys(value).map((name) => [name, between(value, name, 0, Number.MAX_SAFE_INTEGER)]));
}

function logsOf(value: unknown): NonNullable<SpawnRequest['logs']> {
  const rotation = isFields(value) ? value['rotation'] : null;
  if (!isFields(value) || !isFields(rotation)) throw bad('logs must be { folder, rotation } or null');
  return { folder: matching(value, 'folder', ABSOLUTE), rotation: rotationOf(rotation) };
}

function rotationOf(value: Fields): LogSpec {
  const most = Number.MAX_SAFE_INTEGER;
  return {
    max_size: between(value, 'max_size', 1, most),
    max_files: between(value, 'max_files', 1, most),
    max_age: value['max_age'] === null ? null : between(value, 'max_age', 0, most),
    compress: value['compress'] === true,
  };
}

/** `sun_path` holds 107 bytes; the rest of the rule is the daemon's. */
const LONGEST_SOCKET = 107;

function channelsOf(value: unknown): Channels {
  if (!isFields(value)) throw bad('channels must be an object');
  const listen = value['listen'];
  if (!Array.isArray(listen)) throw bad('listen must be a list');
  const notify = value['notify'] === null ? null : matching(value, 'notify', ABSOLUTE);
  if (notify !== null && Buffer.byteLength(notify) > LONGEST_SOCKET) throw bad('notify is too long for a socket');
  return {
    notify,
    ready_fd: value['ready_fd'] === null ? null : between(value, 'ready_fd', 3, 255),
    ipc: value['ipc'] === true,
    listen: listen.map((each) => {
      if (!isFields(each)) throw bad('listen must hold objects');
      return { key: text(each, 'key'), name: matching(each, 'name', /^[\x21-\x39\x3b-\x7e]{0,255}$/) };
    }),
  };
}

function socketOf(value: unknown): Extract<KeeperRequest, { do: 'hold' }>['socket'] {
  if (!isFields(value)) throw bad('socket must be an object');
  return {
    key: text(value, 'key'),
    host: matching(value, 'host', /^[0-9a-fA-F.:]{2,45}$/),
    port: between(value, 'port', 0, 65_535),
    backlog: value['backlog'] === null ? null : between(value, 'backlog', 1, 65_535),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}
function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (!isPlainText(value)) throw bad(`${name} must be a text without NUL`);
  return value;
}
function matching(fields: Fields, name: string, pattern: RegExp): string {
  const value = text(fields, name);
  if (!pattern.test(value)) throw bad(`${name} must match ${pattern.source}`);
  return value;
}
function integer(fields: Fields, name: string): number {
  return between(fields, name, 0, Number.MAX_SAFE_INTEGER);
}
function between(fields: Fields, name: string, least: number, most: number): number {
  const value = fields[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw bad(`${name} must be a whole number from ${least} to ${most}`);
}
function bad(message: string): Refused {
  return new Refused('BAD_REQUEST', message);
}
