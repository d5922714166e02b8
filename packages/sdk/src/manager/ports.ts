import { type ProcessIdentity, ReeveError } from '@reeve/contract';
import { isListenedOn, isPid, type PortHolder, pause, portHolders } from '@reeve/host';
import { type ActionResult, type FoundProcess, type KillOptions, refuse } from './action-result.ts';
import { endFound } from './end-found.ts';
import { lookUp } from './found-process.ts';

/** Which protocol is meant. */
export interface PortOptions {
  /** Default: both. */
  readonly protocol?: 'tcp' | 'udp';
}
/** A process that listens on a port. */
export interface FoundPortHolder extends FoundProcess {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** Where it listens, for example `127.0.0.1` or `::`. */
  readonly address: string;
}

/** How long the kernel may need to give a port back after its holder. Milliseconds. */
const RELEASE = 2000;

/** Whether a process listens on it, TCP or UDP, IPv4 or IPv6. Throws USAGE for an invalid port. */
export async function isPortInUse(port: number, { protocol }: PortOptions = {}): Promise<boolean> {
  checkPort(port);
  return isListenedOn(port, protocol);
}

/**
 * The process that listens on a port, the oldest of several; null: none does, or it is another user's that we may not
 * look at (`isPortInUse` tells these apart).
 */
export async function findProcessByPort(port: number, options: PortOptions = {}): Promise<FoundPortHolder | null> {
  return (await findProcessesByPort(port, options))[0] ?? null;
}

/** All of them: several sockets of one port (SO_REUSEPORT), and several processes of one socket. */
export async function findProcessesByPort(
  port: number,
  options: PortOptions = {},
): Promise<readonly FoundPortHolder[]> {
  const byPid = new Map(
    holdersOf(port, options)
      .flatMap((holder) => foundHolder(holder))
      .map((each) => [each.pid, each]),
  );
  return [...byPid.values()].sort((a, b) => a.process.start - b.process.start || a.pid - b.pid);
}

/**
 * Ends every process that listens on a port, and looks whether it is free then. `not_found`: nothing is listening.
 * `not_permitted`: another user's (root may, with `force`). `protected`: this program, or what started it, is among them:
 * no process is touched.
 */
export async function killProcessOnPort(port: number, options: PortOptions & KillOptions = {}): Promise<ActionResult> {
  const holders = holdersOf(port, options);
  const hidden = holders.find(({ process }) => process === null);
  if (holders.length === 0) return refuse('not_found', `nothing is listening on port ${port}`);
  if (hidden) {
    const message = `port ${port} is held by a process of ${hidden.user}, which only ${hidden.user} and root can see`;
    return refuse('not_permitted', message);
  }
  const found = await findProcessesByPort(port, options);
  if (found.length === 0) return refuse('gone', `the process that listened on port ${port} has just ended`);
  const result = await endFound(found, options);
  if (!result.ok && result.reason !== 'gone') return { ...result, message: `port ${port}: ${result.message}` };
  return (await isReleased(port, options)) ? result : stillTaken(port, result);
}

/** Ends one process and what belongs to it. Given what was found, it ends only this very process: `gone` if its pid is another's now. */
export async function killProcessById(
  target: number | { readonly pid: number; readonly process: ProcessIdentity },
  options: KillOptions = {},
): Promise<ActionResult> {
  const pid = pidOf(target);
  if (!isPid(pid) || pid === process.pid)
    return refuse('protected', `${pid} is not the pid of a process that is ever ended`);
  const found = lookUp(pid, typeof target === 'number' ? undefined : target.process);
  if (found !== null) return endFound([found], options);
  return typeof target === 'number'
    ? refuse('not_found', `no such process: ${pid}`)
    : refuse('gone', `process ${pid} has ended since it was looked up`);
}

/** Programs in JavaScript hand over what they were given. Throws USAGE for what names no process. */
function pidOf(target: unknown): number {
  if (typeof target === 'number') return target;
  const pid = (target as { readonly pid?: unknown } | null | undefined)?.pid;
  if (typeof pid === 'number') return pid;
  const shown = target === undefined ? 'undefined' : JSON.stringify(target);
  throw new ReeveError('USAGE', {
    message: `${shown} does not name a process`,
    hint: 'a pid as a number, or what findProcessByPort or hunt has found',
  });
}

/** Throws USAGE. */
export function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return;
  throw new ReeveError('USAGE', {
    message: `${JSON.stringify(port)} is not a valid port`,
    hint: 'a whole number from 1 to 65535',
  });
}

function holdersOf(port: number, { protocol }: PortOptions): readonly PortHolder[] {
  checkPort(port);
  return portHolders(port).filter((holder) => protocol === undefined || holder.protocol === protocol);
}

function foundHolder({ process, protocol, address, port }: PortHolder): readonly FoundPortHolder[] {
  const found = process === null ? null : lookUp(process.pid, process);
  return found === null ? [] : [{ ...found, port, protocol, address }];
}

async function isReleased(port: number, { protocol }: PortOptions): Promise<boolean> {
  const end = performance.now() + RELEASE;
  while (isListenedOn(port, protocol)) {
    if (performance.now() > end) return false;
    await pause(10);
  }
  return true;
}

function stillTaken(port: number, result: ActionResult): ActionResult {
  return { ...result, ok: false, reason: 'survived', message: `port ${port} is taken again, or still` };
}
