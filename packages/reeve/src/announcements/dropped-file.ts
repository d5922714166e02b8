import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import {
  type AnnouncedAction,
  isJsonObject,
  NAME_PATTERN,
  type ProcessIdentity,
  parseJsonObject,
  properName,
  readServicePorts,
  readTexts,
  SERVICE_CARD_FORMAT,
  type ServiceCard,
  type ServicePort,
} from '@reeve/contract';
import { bootId, bootOffset, instanceId } from '@reeve/host';

export type Dropped =
  | { readonly ok: true; readonly card: ServiceCard; readonly registered: boolean }
  /** A clause whose subject is the file. */
  | { readonly ok: false; readonly why: string };

/**
 * `announce/*.json`, as a script writes it: `{ "name", "folder" }` and whatever else it knows. docs/guide/announcing.md
 * is the whole of it. `start_tick` (field 22 of `/proc/PID/stat`) makes a pid an identity.
 */
export function readDropped(text: string): Dropped {
  const value = parseJsonObject(text);
  if (value === null) return { ok: false, why: 'is not a JSON object' };
  const { name = value['service'], folder } = value;
  if (typeof name !== 'string' || !NAME_PATTERN.test(name)) return { ok: false, why: '`name` is missing or invalid' };
  if (typeof folder !== 'string' || !folder.startsWith('/'))
    return { ok: false, why: '`folder` must be an absolute path' };
  const where = real(folder);
  const wanted = value['project'];
  const project =
    typeof wanted === 'string' && NAME_PATTERN.test(wanted) ? wanted : (properName(basename(where)) ?? 'project');
  const pid = isPid(value['pid']) ? value['pid'] : 0;
  const ports = readServicePorts(typeof value['ports'] === 'number' ? [value['ports']] : value['ports']);
  return {
    ok: true,
    registered: value['registered'] === true,
    card: cardOf(value, { name, where, project, pid, ports }),
  };
}

interface Who {
  readonly name: string;
  readonly where: string;
  readonly project: string;
  readonly pid: number;
  readonly ports: readonly ServicePort[];
}

function cardOf(value: Readonly<Record<string, unknown>>, { name, where, project, pid, ports }: Who): ServiceCard {
  const dependencies = readTexts(value['dependencies']);
  const capabilities = readTexts(value['capabilities']);
  const description = text(value['description']) ?? '';
  const limit = value['cleanup_timeout'];
  return {
    format: SERVICE_CARD_FORMAT,
    protocol: 1,
    id: instanceId(where, name, 0),
    project,
    folder: where,
    service: name,
    instance: 0,
    kind: 'announcement',
    title: text(value['title']),
    description,
    language: text(value['language']) ?? 'unknown',
    library: 'a file',
    pid,
    process: identityOf(value, pid),
    argv: [],
    cwd: text(value['cwd']) ?? where,
    user: '',
    run: null,
    state: 'running',
    ready: false,
    health: 'unknown',
    health_reason: null,
    status: text(value['status']),
    ports,
    dependencies,
    capabilities,
    data: isJsonObject(value['data']) ? value['data'] : null,
    announcement: {
      description,
      processes: readTexts(value['processes']),
      ports,
      dependencies,
      capabilities,
      start: command(value['start']),
      cleanup: command(value['cleanup']),
      cleanup_timeout: typeof limit === 'number' && limit > 0 && Number.isFinite(limit) ? limit : 5000,
    },
    socket: null,
    started_at: text(value['started_at']) ?? '',
    updated_at: '',
    ended_at: null,
    exit: null,
  };
}

/** A text for `/bin/sh -c`, or argv. */
function command(value: unknown): AnnouncedAction | null {
  if (typeof value === 'string')
    return value.trim() === '' || value.includes('\0') ? null : { kind: 'command', command: value };
  const argv = readTexts(value);
  return argv.length > 0 && argv.every((word) => !word.includes('\0')) ? { kind: 'command', command: argv } : null;
}

/**
 * Without the boot id it is taken to be of this boot: a script seldom knows it. A script reads its tick as its time
 * namespace shows it, and that is taken to be ours; `reeve register` writes one that is the same in all.
 */
function identityOf(value: Readonly<Record<string, unknown>>, pid: number): ProcessIdentity | null {
  const { start_tick: tick, boot, registered } = value;
  const start = Number(tick) - (registered === true ? 0 : bootOffset());
  if (pid < 2 || !Number.isSafeInteger(start) || start <= 0) return null;
  return { boot: typeof boot === 'string' && boot !== '' ? boot : bootId(), pid, start };
}

function real(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
function isPid(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 1 && value <= 2 ** 22;
}
function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 4096) : null;
}
