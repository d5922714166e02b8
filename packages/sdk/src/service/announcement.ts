import { type AnnouncedAction, type Announcement, ReeveError, type ServicePort } from '@reeve/contract';

/** A command (a text for `/bin/sh -c`, or argv), or a method of this program. */
export type ActionInput = string | readonly string[] | (() => unknown);
/** A port, or a port with its name; TCP unless it says UDP. 1 to 65535. */
export type PortInput =
  | number
  | { readonly port: number; readonly name?: string | null; readonly protocol?: 'tcp' | 'udp' };
/** What a program manages, how that is started and how it is cleaned up. */
export interface AnnouncementInput {
  /** One line about it, for people. */
  readonly description?: string;
  /** What it manages, for people. Nothing is killed by these names. */
  readonly processes?: readonly string[];
  /** What it listens on while it runs, and what must be free after the clean-up. */
  readonly ports?: readonly PortInput[];
  /** How to start what it manages. */
  readonly start?: ActionInput | null;
  /** How to clean up what it manages; afterwards the caller looks whether `ports` are free. */
  readonly cleanup?: ActionInput | null;
  /** Milliseconds that the clean-up may take. Default 5 s. */
  readonly cleanupTimeout?: number;
  /** Names of services that it needs. */
  readonly dependencies?: readonly string[];
  /** What it can be found by, for example `PROCESS_MANAGER`. */
  readonly capabilities?: readonly string[];
}
export interface ActionMethods {
  readonly start: (() => unknown) | null;
  readonly cleanup: (() => unknown) | null;
}

const CLEANUP_TIMEOUT = 5000;
const BIGGEST_PORT = 65_535;

/** What is announced, complete, and the methods behind it. Throws USAGE, naming what is wrong. */
export function readAnnouncement(
  input: AnnouncementInput,
  always: readonly string[] = [],
): { announcement: Announcement; methods: ActionMethods } {
  const { start = null, cleanup = null, cleanupTimeout = CLEANUP_TIMEOUT } = input;
  if (!(Number.isFinite(cleanupTimeout) && cleanupTimeout > 0)) throw wrong('cleanupTimeout: milliseconds above 0');
  const announcement: Announcement = {
    description: input.description ?? '',
    processes: texts(input.processes, 'processes'),
    ports: readPorts(input.ports ?? [], 'ports'),
    dependencies: texts(input.dependencies, 'dependencies'),
    capabilities: [...new Set([...always, ...texts(input.capabilities, 'capabilities')])],
    start: readAction(start, 'start'),
    cleanup: readAction(cleanup, 'cleanup'),
    cleanup_timeout: cleanupTimeout,
  };
  return { announcement, methods: { start: methodOf(start), cleanup: methodOf(cleanup) } };
}

/** Throws USAGE for an invalid port. */
function readPorts(ports: readonly PortInput[], where: string): readonly ServicePort[] {
  if (!Array.isArray(ports)) throw wrong(`${where}: a list of ports`);
  return ports.map((each) => readPort(each, where));
}

export function readPort(input: PortInput, where: string): ServicePort {
  const { port, name = null, protocol = 'tcp' } = typeof input === 'object' ? input : { port: input };
  if (!Number.isInteger(port) || port < 1 || port > BIGGEST_PORT) {
    throw wrong(`${where}: ${JSON.stringify(port)} is not a valid port (1–${BIGGEST_PORT})`);
  }
  return { name, port, protocol };
}

function texts(value: readonly string[] | undefined, where: string): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw wrong(`${where}: a list of texts`);
  return value;
}

function readAction(action: ActionInput | null, where: string): AnnouncedAction | null {
  if (action === null) return null;
  if (typeof action === 'function') return { kind: 'method' };
  const isArgv = Array.isArray(action) && action.length > 0 && action.every((each) => typeof each === 'string');
  if (isArgv || (typeof action === 'string' && action.trim() !== '')) return { kind: 'command', command: action };
  throw wrong(`${where}: a command (a text, or a list of texts), or a function`);
}
function methodOf(action: ActionInput | null): (() => unknown) | null {
  return typeof action === 'function' ? action : null;
}

function wrong(message: string): ReeveError {
  return new ReeveError('USAGE', { message, hint: 'docs/guide/library.md shows an announcement' });
}
