import { type PsView, type Receipt, ReeveError } from '@reeve/contract';
import type { ReeveClient } from '@reeve/sdk';
import { type CleanUpOutcome, cleanUpByCommand, cleanUpInOwner } from '../announcements/clean-up.ts';
import type { EndedAnnounced } from '../announcements/end-announced.ts';
import { removeCard } from '../announcements/remove-card.ts';
import type { Announced } from '../core/announced/announced.ts';
import { endManual, environmentFor, familiesInHome } from '../operations/stop/end-manual.ts';
import { announcedInHome, startedByHand } from './announced-here.ts';
import { callerOf } from './caller.ts';
import type { Context } from './context.ts';
import { longCall } from './daemon/long-call.ts';
import { actor } from './project/actor.ts';

/** One thing that was cleaned up, with the proof: our own look at processes and ports. */
export interface CleanRow {
  readonly project: string;
  /** null: the project as a whole could not be asked. */
  readonly service: string | null;
  readonly managed_by: 'config' | 'announced' | 'registered';
  readonly ok: boolean;
  readonly reason: CleanUpOutcome['reason'] | 'not_announced' | 'survived' | 'port_taken';
  /** Sentences; empty when all is well. */
  readonly problems: readonly string[];
  /** What the clean-up said; null: nothing, or there was none. */
  readonly message: string | null;
  /** Pids that were ended. */
  readonly ended: readonly number[];
  readonly ports: readonly { readonly port: number; readonly free: boolean }[];
  readonly ms: number;
}
export interface CleanWish {
  readonly timeout: number | null;
  readonly force: boolean;
}
export interface Cleaned {
  readonly rows: readonly CleanRow[];
  /** What was cleaned of what reeve did not start. */
  readonly byHand: readonly Announced[];
}

/**
 * Cleans up everything of the home: each service's own clean-up while it lives, the stop, the clean-up command, and then
 * a look whether processes and ports are gone. One that fails or hangs stands on its own line, and stops no other.
 */
export async function cleanEverything(context: Context, client: ReeveClient | null, wish: CleanWish): Promise<Cleaned> {
  const projects = client ? await managedProjects(client) : [];
  const { announced } = announcedInHome(context);
  const byHand = startedByHand(announced, projects);
  const families = familiesInHome(callerOf(context));
  const supervised = announced.filter((each) => !byHand.includes(each) && each.liveness === 'live');
  const inOwners = await Promise.all(supervised.map((each) => cleanUpInOwner(each)));
  const [managed, ended] = await Promise.all([
    Promise.all(projects.map((view) => cleanProject(client, view, wish))),
    endManual(
      callerOf(context),
      byHand.filter((each) => hasSomething(each, families)),
      { ...wish, cleanUp: true },
    ),
  ]);
  const byCommands = await Promise.all(
    supervised.map((each) => cleanUpByCommand(each, environmentFor(callerOf(context), each))),
  );
  const own = supervised.flatMap((each, at) => rowOfSupervised(each, inOwners[at] ?? byCommands[at] ?? null));
  for (const { announced: each, cleanUp } of ended) {
    if (cleanUp?.ok && each.origin === 'library' && each.liveness === 'stale') removeCard(each.file);
  }
  const rows = mergeRows([...managed.flat(), ...own, ...ended.map(rowOfEnded)]);
  return { rows, byHand: ended.map((each) => each.announced) };
}

/** It runs, it has left something behind, or its clean-up can still be run. */
export function hasSomething({ card, liveness }: Announced, families: ReadonlyMap<string, unknown>): boolean {
  if (liveness === 'live' || families.has(card.id)) return true;
  return liveness !== 'stopped' && Boolean(card.announcement?.cleanup);
}

/** One row a service: what reeve runs of it, what was started by hand and what it announced itself are one to its user. */
export function mergeRows(rows: readonly CleanRow[]): readonly CleanRow[] {
  const merged = new Map<string, CleanRow>();
  for (const row of rows) {
    const key = `${row.project}/${row.service ?? ''}`.toLowerCase();
    const before = merged.get(key);
    merged.set(key, before ? joined(before, row) : row);
  }
  return [...merged.values()];
}

function joined(one: CleanRow, other: CleanRow): CleanRow {
  const worse = !one.ok || (other.ok && one.reason !== 'not_announced') ? one : other;
  const ports = new Map([...one.ports, ...other.ports].map((each) => [each.port, each]));
  return {
    ...one,
    ok: one.ok && other.ok,
    reason: worse.reason,
    problems: [...new Set([...one.problems, ...other.problems])],
    message: one.message ?? other.message,
    ended: [...new Set([...one.ended, ...other.ended])],
    ports: [...ports.values()],
    ms: Math.max(one.ms, other.ms),
  };
}

/** What the daemon itself runs or has run: only that is scanned. */
export async function managedProjects(client: ReeveClient): Promise<readonly PsView[]> {
  const { projects } = await client.call('ps', { project: null });
  return projects.filter(({ scanned_at }) => scanned_at !== null);
}

async function cleanProject(
  client: ReeveClient | null,
  { project: name }: PsView,
  { timeout, force }: CleanWish,
): Promise<readonly CleanRow[]> {
  if (!client) return [];
  try {
    const params = { project: { name }, timeout, force, actor: actor() };
    return rowsOfReceipt((await longCall(client, 'cleanup', params, {})).receipt);
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    return [{ ...BLANK, project: name, service: null, ok: false, reason: 'unreachable', problems: [error.message] }];
  }
}

const BLANK = { managed_by: 'config', message: null, ended: [], ports: [], ms: 0 } as const;

export function rowsOfReceipt(receipt: Receipt): readonly CleanRow[] {
  const { project, services, survivors, clean_ups: cleanUps = [] } = receipt;
  const names = new Set([...services.map(({ name }) => name), ...cleanUps.map(({ service }) => service)]);
  return [...names].map((name): CleanRow => {
    const service = services.find((each) => each.name === name);
    const cleanUp = cleanUps.find((each) => each.service === name) ?? null;
    const ports = service?.ports ?? [];
    const left = survivors.filter((each) => each.service.replace(/:\d+$/, '') === name);
    const survived = left.map(({ pid, command, why }) => `pid ${pid} ${command} is still there: ${why}`);
    const taken = ports.filter(({ free }) => !free).map(({ port }) => `port ${port} is still taken`);
    const outcome = cleanUp && { ok: cleanUp.outcome === 'done', reason: cleanUp.outcome, message: cleanUp.message };
    const ended = (service?.processes ?? []).map(({ pid }) => pid);
    return {
      ...BLANK,
      project,
      service: name,
      ...judge(outcome, survived, taken),
      ended,
      ports,
      ms: cleanUp?.ms ?? receipt.ms,
    };
  });
}

export function rowOfEnded({ announced, cleanUp, receipt, survivors, taken, ms }: EndedAnnounced): CleanRow {
  const { project, service } = announced.card;
  const survived = survivors.map(({ pid, command, why }) => `pid ${pid} ${command} is still there: ${why}`);
  return {
    project,
    service,
    managed_by: announced.origin === 'registered' ? 'registered' : 'announced',
    ...judge(cleanUp, survived, taken),
    ended: receipt.processes.map(({ pid }) => pid).filter((pid) => !survivors.some((each) => each.pid === pid)),
    ports: receipt.ports,
    ms,
  };
}

/** What reeve runs has its row already; this one is about what it announced itself. */
function rowOfSupervised({ card }: Announced, cleanUp: CleanUpOutcome | null): readonly CleanRow[] {
  if (cleanUp === null) return [];
  const { project, service } = card;
  return [{ ...BLANK, project, service, managed_by: 'announced', ...judge(cleanUp, [], []), ms: cleanUp.ms }];
}

function judge(
  cleanUp: Pick<CleanUpOutcome, 'ok' | 'reason' | 'message'> | null,
  survived: readonly string[],
  taken: readonly string[],
): Pick<CleanRow, 'ok' | 'reason' | 'problems' | 'message'> {
  const failed =
    cleanUp && !cleanUp.ok ? [`clean-up ${WORDS[cleanUp.reason]}${cleanUp.message ? `: ${cleanUp.message}` : ''}`] : [];
  const problems = [...failed, ...survived, ...taken];
  const left = survived.length > 0 ? 'survived' : taken.length > 0 ? 'port_taken' : null;
  const reason = failed.length > 0 && cleanUp ? cleanUp.reason : (left ?? cleanUp?.reason ?? 'not_announced');
  return { ok: problems.length === 0, reason, problems, message: cleanUp?.ok ? cleanUp.message : null };
}

const WORDS: Readonly<Record<CleanUpOutcome['reason'], string>> = {
  done: 'done',
  failed: 'failed',
  timed_out: 'timed out',
  unreachable: 'could not be asked for',
  gone: 'is not possible any more',
};
