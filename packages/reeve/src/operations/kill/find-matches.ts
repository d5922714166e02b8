import type { TrackerName } from '@reeve/contract';
import { type PortHolder, portHolders } from '@reeve/host';
import type { HomeLook, LookedAt } from '../read/home-look.ts';

/** A process that a query means, and why. */
export interface Match {
  readonly seen: LookedAt;
  /** Clauses whose subject is the process: `listens on TCP 3000 (::)`. */
  readonly why: readonly string[];
  readonly foundBy: readonly (TrackerName | 'pid' | 'name' | 'title' | 'command')[];
  readonly confidence: 'high' | 'medium' | 'low';
}

/** Everything that a word may mean: a service or project, a pid, a port, a title, a part of a command line. */
export function findMatches(look: HomeLook, query: string): readonly Match[] {
  const port = /^:?(\d{1,5})$/.exec(query)?.[1];
  const holders = port === undefined ? [] : portHolders(Number(port));
  return look.processes.flatMap((seen) => matchOf(look, seen, query, holders) ?? []);
}

function matchOf(look: HomeLook, seen: LookedAt, query: string, holders: readonly PortHolder[]): Match | null {
  const { row, owner } = seen;
  const found: { why: string; by: Match['foundBy'][number]; confidence: Match['confidence'] }[] = [];
  if (String(row.pid) === query) found.push({ why: `has the pid ${query}`, by: 'pid', confidence: 'high' });
  for (const holder of holders.filter((each) => each.process?.pid === row.pid)) {
    found.push({ why: listensOn(holder), by: 'port', confidence: 'high' });
  }
  if (query.startsWith(':')) return matched(seen, found);
  const word = query.toLowerCase();
  const names = owner === null ? [] : [owner.service, owner.project, `${owner.project}/${owner.service}`];
  if (owner !== null && names.some((name) => name.toLowerCase().includes(word))) {
    found.push({ why: belongsTo(owner), by: 'name', confidence: confidenceOf(owner.foundBy) });
  }
  const { holds } = seen;
  const isHeld =
    holds !== null && [holds.service, `${holds.project}/${holds.service}`].some((n) => n.toLowerCase().includes(word));
  if (isHeld && owner === null) {
    found.push({ why: `holds the name ${holds.service} of ${holds.project}`, by: 'name', confidence: 'high' });
  }
  // Our own command line holds the query, and so may that of the shell that was asked to run us.
  if (look.lineage.has(row.pid)) return matched(seen, found);
  if (titleOf(seen).toLowerCase() === word)
    found.push({ why: `is called ${query}`, by: 'title', confidence: 'medium' });
  else if (
    !isKernels(row.command) &&
    [row.command, seen.startedAs ?? ''].some((text) => text.toLowerCase().includes(word))
  ) {
    found.push({
      why: `has "${query}" in its command line`,
      by: 'command',
      confidence: holds !== null ? 'high' : owner === null ? 'low' : 'medium',
    });
  }
  return matched(seen, found);
}

function matched(
  seen: LookedAt,
  found: readonly { why: string; by: Match['foundBy'][number]; confidence: Match['confidence'] }[],
): Match | null {
  if (found.length === 0) return null;
  const best = (['high', 'medium', 'low'] as const).find((each) => found.some((one) => one.confidence === each));
  const trackers = seen.owner?.foundBy ?? [];
  return {
    seen,
    why: [...new Set(found.map(({ why }) => why))],
    foundBy: [...new Set([...found.map(({ by }) => by), ...trackers])],
    confidence: best ?? 'low',
  };
}

export function listensOn({ protocol, port, address }: Pick<PortHolder, 'protocol' | 'port' | 'address'>): string {
  return `listens on ${protocol.toUpperCase()} ${port} (${address})`;
}

export function belongsTo({
  project,
  service,
  instance,
  isLive,
  isMain,
  foundBy,
}: NonNullable<LookedAt['owner']>): string {
  const name = `${service}${instance ? `:${instance}` : ''} of ${project}`;
  if (!isLive) return `was left behind by ${name}`;
  return isMain ? `is the main process of ${name}` : `is part of ${name} (${foundBy.join(', ')})`;
}

function confidenceOf(foundBy: readonly TrackerName[]): Match['confidence'] {
  return foundBy.some((by) => by === 'main' || by === 'cgroup' || by === 'mark' || by === 'cookie') ? 'high' : 'medium';
}

/** What a process is called: the title it has given itself, else the program's name. */
export function titleOf({ row }: Pick<LookedAt, 'row'>): string {
  const first = row.command.split(' ')[0] ?? '';
  return row.comm === first.slice(0, row.comm.length) ? first : (first.split('/').at(-1) ?? row.comm);
}

/** `[kworker/0:1]`: it has no command line. */
export function isKernels(command: string): boolean {
  return command.startsWith('[') && command.endsWith(']');
}
