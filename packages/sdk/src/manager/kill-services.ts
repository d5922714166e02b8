import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Receipt, ReeveError } from '@reeve/contract';
import { cwdOf, ownUserName, readProc } from '@reeve/host';
import { ReeveClient } from '../client.ts';
import { listCards, livenessOf } from '../service/cards.ts';
import { type ActionResult, describeProcess, type KillOptions, refuse } from './action-result.ts';
import { endFound } from './end-found.ts';
import { foundOf } from './hunt.ts';
import { matchWithin } from './match-within.ts';
import { lookAround, type Seen, type Surroundings, supervisedServices, type WhereOptions } from './surroundings.ts';

/** How something is ended, and where it is looked for. */
export interface KillServiceOptions extends KillOptions, WhereOptions {}
/** A service of the project, by the daemon where it supervises it, else by itself. */
export interface ListedService {
  readonly name: string;
  readonly project: string;
  /** As in `reeve ps`. */
  readonly state: string;
  /** null: it does not run. */
  readonly pid: number | null;
  readonly ready: boolean;
  /** `healthy`, `unhealthy` or `unknown`. */
  readonly health: string;
  readonly ports: readonly number[];
  /** What it has registered; null: nothing. */
  readonly data: unknown;
  /** `daemon`: supervised. `self`: it runs by itself, or ended in order. `stale`: it was killed. */
  readonly managedBy: 'daemon' | 'self' | 'stale';
}

/** How long a pattern may take for one command line. Milliseconds. */
const PATTERN_MS = 1000;
const STOP_DEADLINE = 120_000;

/** The services of the project: supervised ones, and those that run, or ran, by themselves. Sorted by name. */
export async function listServices(options: WhereOptions = {}): Promise<readonly ListedService[]> {
  const { place } = await lookAround(options);
  const supervised = await supervisedServices(place, { folder: place.folder });
  const listed = new Map<string, ListedService>();
  for (const card of listCards(place.run)) {
    const liveness = livenessOf(card);
    if (card.folder !== place.folder) continue;
    const isLive = liveness === 'live';
    const { service: name, project, state, ready, health, data } = card;
    const ports = card.ports.map(({ port }) => port);
    const how = isLive ? { state, pid: card.pid, ready } : { state: 'stopped', pid: null, ready: false };
    listed.set(name, {
      name,
      project,
      ...how,
      health,
      ports,
      data,
      managedBy: liveness === 'stale' ? 'stale' : 'self',
    });
  }
  for (const { name, project, state, pid, ready, health, ports, data } of supervised) {
    const card = listed.get(name);
    if (pid === null && card?.managedBy === 'self' && card.pid !== null) continue; // started manually meanwhile
    const numbers = ports.flatMap(({ port }) => port ?? []);
    listed.set(name, {
      name,
      project,
      state,
      pid,
      ready,
      health,
      ports: numbers,
      data: data ?? card?.data ?? null,
      managedBy: 'daemon',
    });
  }
  return [...listed.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * Ends a service of the project by its name: through the daemon where it supervises it (else it would come again), else
 * its process and what belongs to it. `not_found`: nothing of it runs.
 */
export async function killService(name: string, options: KillServiceOptions = {}): Promise<ActionResult> {
  const around = await lookAround(options);
  const { project } = around.place;
  const mine = around.processes.filter(({ owner }) => owner?.service === name && owner.project === project);
  if (around.supervised.some((each) => each.name === name && each.project === project && each.pid !== null)) {
    return stopByDaemon(around, name, options);
  }
  if (mine.length === 0) return refuse('not_found', `nothing of ${name} runs in ${project}`);
  return endFound(mine.map(foundOf), options);
}

/** Ends the programs that run a script, also those with a title of their own, by its path: absolute, or from the working folder. What is not ours needs `force`. */
export async function killScript(path: string, options: KillServiceOptions = {}): Promise<ActionResult> {
  const wanted = real(resolve(options.cwd ?? process.cwd(), path));
  return killMatching(`runs ${path}`, options, ({ row, startedAs }) => {
    const folder = cwdOf(row.pid);
    if (folder === null) return false;
    const shown = (readProc(`/proc/${row.pid}/cmdline`) ?? '').split('\0').slice(0, -1);
    const words = [...shown, ...startedAs];
    return words.some((word) => !word.startsWith('-') && word.length > 0 && real(resolve(folder, word)) === wanted);
  });
}

/** Ends the programs whose command line matches, or that with which a service was started, by its card. What is not ours needs `force`. Throws USAGE for an empty or slow pattern. */
export async function killPattern(pattern: RegExp | string, options: KillServiceOptions = {}): Promise<ActionResult> {
  const { source, flags } = typeof pattern === 'string' ? { source: pattern, flags: '' } : pattern;
  if (source === '' || source === '(?:)')
    throw new ReeveError('USAGE', {
      message: 'an empty pattern matches every process',
      hint: 'a part of a command line',
    });
  const ignoresCase = flags.includes('i');
  const shown = ignoresCase ? foldCase(source) : source;
  const matches = (line: string): boolean => {
    const answer = matchWithin(shown, ignoresCase ? line.toLowerCase() : line, PATTERN_MS);
    if (answer === 'yes' || answer === 'no') return answer === 'yes';
    throw new ReeveError('USAGE', {
      message: `the pattern /${source}/ is ${answer}`,
      hint: 'a simpler one: no repetition within a repetition',
    });
  };
  return killMatching(`matches /${source}/`, options, ({ row, startedAs }) =>
    [row.command, ...(startedAs.length > 0 ? [startedAs.join(' ')] : [])].some(matches),
  );
}

/** Never reeve itself, this program or what started it: a shell's command line may hold the path or pattern too. */
async function killMatching(
  what: string,
  options: KillServiceOptions,
  isMeant: (seen: Seen) => boolean,
): Promise<ActionResult> {
  const around = await lookAround(options);
  const meant = around.processes.filter(
    (seen) => !seen.isReeve && !around.lineage.has(seen.row.pid) && !isKernels(seen.row.command) && isMeant(seen),
  );
  if (meant.length === 0) return refuse('not_found', `no process ${what}`);
  const stranger = meant.find(({ owner, row }) => owner === null && !isBelow(around, row.pid));
  if (stranger && options.force !== true) {
    return refuse(
      'not_permitted',
      `${describeProcess(foundOf(stranger))} does not belong to a project of this home: it is only ended with force`,
    );
  }
  const supervised = new Set(
    meant.flatMap(({ owner }) =>
      owner?.byHand === null && owner.isLive && owner.isMain && owner.project === around.place.project
        ? [owner.service]
        : [],
    ),
  );
  const results = await Promise.all([...supervised].map((name) => stopByDaemon(around, name, options)));
  const direct = meant.filter(({ owner }) => !(owner && supervised.has(owner.service)));
  if (direct.length > 0) results.push(await endFound(direct.map(foundOf), options));
  return (
    results.find(({ ok }) => !ok) ?? {
      ...(results[0] ?? refuse('gone', 'it had ended')),
      processes: results.flatMap(({ processes }) => processes),
    }
  );
}

/** Below this program: what we started ourselves is ours. */
function isBelow({ processes }: Surroundings, pid: number): boolean {
  const parents = new Map(processes.map(({ row }) => [row.pid, row.ppid]));
  for (let next = parents.get(pid); next !== undefined && next > 1; next = parents.get(next))
    if (next === process.pid) return true;
  return false;
}

async function stopByDaemon({ place }: Surroundings, name: string, options: KillOptions): Promise<ActionResult> {
  await using client = await ReeveClient.connect({ socket: place.controlSocket, home: place.home });
  const actor = { kind: 'library', user: ownUserName(), pid: process.pid } as const;
  const timeout = options.grace ?? null;
  const wish = { project: { folder: place.folder }, services: [name], timeout, force: false, actor };
  const { receipt } = await client.call('stop', wish, { deadline: STOP_DEADLINE });
  return fromReceipt(receipt, name);
}

function fromReceipt({ status, services, survivors }: Receipt, name: string): ActionResult {
  const left = new Map(survivors.map(({ pid, why }) => [pid, why]));
  const processes = services
    .flatMap((service) => service.processes)
    .map(({ pid, command, signals }) => ({ pid, command, signals, left: left.get(pid) ?? null }));
  if (status === 'COMPLETE') return { ok: true, reason: 'done', message: `${name} is stopped and stays so`, processes };
  const message = survivors.map(({ pid, command, why }) => `${command} (pid ${pid}): ${why}`).join('; ');
  return { ok: false, reason: 'survived', message, processes };
}

/** `[kworker/0:1]`: it has no command line. */
function isKernels(command: string): boolean {
  return command.startsWith('[') && command.endsWith(']');
}

/** Letters that mean themselves; what follows a backslash keeps its case, for there it may mean something else. */
function foldCase(source: string): string {
  return source.replace(/\\.|[A-Z]/g, (part) => (part.startsWith('\\') ? part : part.toLowerCase()));
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
