import type { Receipt, Survivor } from '@reeve/contract';
import type { CleanUpOutcome } from '../../announcements/clean-up.ts';
import type { EndedAnnounced } from '../../announcements/end-announced.ts';
import type { Announced } from '../../core/announced/announced.ts';

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
/** One row a service: what reeve runs of it, what was started manually and what it announced itself are one to its user. */
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

/** A project that could not be asked. */
export function rowOfUnreachable(project: string, message: string): CleanRow {
  return { ...BLANK, project, service: null, ok: false, reason: 'unreachable', problems: [message] };
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
    const survived = left.map(stillThere);
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
  const survived = survivors.map(stillThere);
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
export function rowOfSupervised({ card }: Announced, cleanUp: CleanUpOutcome | null): readonly CleanRow[] {
  if (cleanUp === null) return [];
  const { project, service } = card;
  return [{ ...BLANK, project, service, managed_by: 'announced', ...judge(cleanUp, [], []), ms: cleanUp.ms }];
}

function stillThere({ pid, command, why }: Survivor): string {
  return `pid ${pid} ${command} is still there: ${why}`;
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
