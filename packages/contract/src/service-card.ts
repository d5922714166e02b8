import { isJsonObject, parseJsonObject } from './json.ts';
import { NAME_PATTERN } from './names.ts';
import {
  type AnnouncedAction,
  type Announcement,
  SERVICE_CARD_FORMAT,
  SERVICE_PROTOCOL,
  type ServiceCard,
  type ServicePort,
} from './service-socket.ts';
import type { Exit, ProcessIdentity } from './states.ts';

const ID = /^[0-9a-f]{12}$/;
const BIGGEST_PID = 2 ** 22;
/** Of a text that is shown; what is longer is cut. Characters. */
const TEXT = 4096;
/** Of a list. */
const ITEMS = 1024;
const CLEANUP_TIMEOUT = 5000;

/**
 * The card in the text of `run/<id>.json`; null: not one, or one of a newer format. Whatever the writer has put where
 * something else belongs is as if it were not there: a reader may rely on every type.
 */
export function parseServiceCard(text: string): ServiceCard | null {
  const value = parseJsonObject(text);
  if (value === null || value['format'] !== SERVICE_CARD_FORMAT) return null;
  const { id, service, folder, project, pid } = value;
  if (!isText(id) || !ID.test(id) || !isText(folder) || !folder.startsWith('/') || !isPid(pid)) return null;
  if (!isText(service) || !NAME_PATTERN.test(service) || !isText(project) || !NAME_PATTERN.test(project)) return null;
  const { state, health, kind, protocol, instance } = value;
  return {
    format: SERVICE_CARD_FORMAT,
    protocol: typeof protocol === 'number' ? protocol : SERVICE_PROTOCOL,
    id,
    project,
    folder,
    service,
    instance: Number.isSafeInteger(instance) && Number(instance) >= 0 ? Number(instance) : 0,
    kind: kind === 'announcement' ? kind : 'service',
    title: textOr(value['title'], null),
    description: textOr(value['description'], ''),
    language: textOr(value['language'], 'unknown'),
    library: textOr(value['library'], 'unknown'),
    pid,
    process: readIdentity(value['process'], pid),
    argv: readTexts(value['argv']),
    cwd: textOr(value['cwd'], '/'),
    user: textOr(value['user'], ''),
    run: textOr(value['run'], null),
    state: state === 'starting' || state === 'stopping' || state === 'stopped' ? state : 'running',
    ready: value['ready'] === true,
    health: health === 'healthy' || health === 'unhealthy' ? health : 'unknown',
    health_reason: textOr(value['health_reason'], null),
    status: textOr(value['status'], null),
    ports: readServicePorts(value['ports']),
    dependencies: readTexts(value['dependencies']),
    capabilities: readTexts(value['capabilities']),
    data: isJsonObject(value['data']) ? value['data'] : null,
    announcement: readAnnouncement(value['announcement']),
    socket: textOr(value['socket'], null),
    started_at: readTime(value['started_at']) ?? '',
    updated_at: readTime(value['updated_at']) ?? '',
    ended_at: readTime(value['ended_at']),
    exit: readExit(value['exit']),
  };
}

/** What is announced, complete; null: it is not an object. */
export function readAnnouncement(value: unknown): Announcement | null {
  if (!isJsonObject(value)) return null;
  const timeout = value['cleanup_timeout'];
  return {
    description: textOr(value['description'], ''),
    processes: readTexts(value['processes']),
    ports: readServicePorts(value['ports']),
    dependencies: readTexts(value['dependencies']),
    capabilities: readTexts(value['capabilities']),
    start: readAction(value['start']),
    cleanup: readAction(value['cleanup']),
    cleanup_timeout: typeof timeout === 'number' && Number.isFinite(timeout) && timeout > 0 ? timeout : CLEANUP_TIMEOUT,
  };
}

/** `8081`, or `{ port, name, protocol }`; what is not a port is left out. */
export function readServicePorts(value: unknown): readonly ServicePort[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, ITEMS).flatMap((each: unknown) => {
    const { port, name, protocol } = isJsonObject(each) ? each : { port: each, name: null, protocol: 'tcp' };
    const isPort = Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535;
    if (!isPort) return [];
    return [{ name: textOr(name, null), port: Number(port), protocol: protocol === 'udp' ? 'udp' : 'tcp' } as const];
  });
}

/** Texts of a list; everything else in it is left out. */
export function readTexts(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, ITEMS).flatMap((each: unknown) => (isText(each) ? [each.slice(0, TEXT)] : []));
}

function readAction(value: unknown): AnnouncedAction | null {
  if (!isJsonObject(value)) return null;
  if (value['kind'] === 'method') return { kind: 'method' };
  const { kind, command } = value;
  if (kind !== 'command') return null;
  if (isText(command) && command.trim() !== '' && !command.includes('\0')) return { kind, command };
  const isArgv = Array.isArray(command) && command.length > 0 && command.every((word) => isWord(word));
  return isArgv ? { kind, command: command as readonly string[] } : null;
}

function readIdentity(value: unknown, pid: number): ProcessIdentity | null {
  if (!isJsonObject(value)) return null;
  const { boot, start } = value;
  const isWhole = isText(boot) && value['pid'] === pid && Number.isSafeInteger(start) && Number(start) > 0;
  return isWhole ? { boot, pid, start: Number(start) } : null;
}

function readExit(value: unknown): Exit | null {
  if (!isJsonObject(value)) return null;
  const at = readTime(value['at']);
  const { kind, code, signal } = value;
  if (at === null) return null;
  if (kind === 'code' && Number.isInteger(code)) return { kind, code: Number(code), signal: null, at };
  if (kind === 'signal' && isText(signal)) return { kind, code: null, signal: signal.slice(0, 20), at };
  return kind === 'unobserved' ? { kind, code: null, signal: null, at } : null;
}

function readTime(value: unknown): string | null {
  return isText(value) && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value)) ? value : null;
}
function textOr<T extends string | null>(value: unknown, otherwise: T): string | T {
  return isText(value) ? value.slice(0, TEXT) : otherwise;
}
function isText(value: unknown): value is string {
  return typeof value === 'string';
}
function isWord(value: unknown): value is string {
  return isText(value) && !value.includes('\0');
}
function isPid(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= BIGGEST_PID;
}
