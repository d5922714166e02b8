import type { Stat } from './proc-stat.ts';

/** A process, by what tells it from a later one with the same number. */
type Known = Pick<Stat, 'pid' | 'start'>;

/**
 * Who belongs to some processes: their descendants, and the members of the sessions that they lead (or led: `sessions`,
 * number → start tick of the leader). A child is never older than its parent. One that is spared is not in it, nor what
 * only hangs below it.
 */
export function kinOf(
  known: Iterable<Known>,
  live: readonly Stat[],
  spare: (stat: Stat) => boolean,
  sessions: ReadonlyMap<number, number> = new Map(),
): readonly { readonly stat: Stat; readonly by: 'tree' | 'session' }[] {
  const byPid = new Map(live.map((stat) => [stat.pid, stat]));
  const queue = [...known].flatMap(({ pid, start }) => {
    const stat = byPid.get(pid);
    return stat?.start === start ? [stat] : [];
  });
  const seen = new Set(queue.map(({ pid }) => pid));
  const found: { stat: Stat; by: 'tree' | 'session' }[] = [];
  const add = (stat: Stat, by: 'tree' | 'session') => {
    if (seen.has(stat.pid)) return;
    seen.add(stat.pid);
    if (spare(stat)) return;
    found.push({ stat, by });
    queue.push(stat);
  };
  const descend = () => {
    for (let parent = queue.pop(); parent !== undefined; parent = queue.pop()) {
      const { pid, start, session } = parent;
      for (const stat of live) {
        if (stat.start < start) continue;
        if (stat.ppid === pid) add(stat, 'tree');
        else if (session === pid && stat.session === pid) add(stat, 'session');
      }
    }
  };
  descend();
  for (const [id, start] of sessions) {
    const holder = byPid.get(id);
    if (holder && holder.start !== start) continue; // that session is over: its number is another's
    for (const stat of live) if (stat.session === id && stat.start >= start) add(stat, 'session');
  }
  descend();
  return found;
}

/** A process and everything above it: ending one of them ends the caller with it. */
export function lineageOf(pid: number, live: readonly Stat[]): ReadonlySet<number> {
  const parents = new Map(live.map((stat) => [stat.pid, stat.ppid]));
  const lineage = new Set<number>();
  for (let next = pid; next > 0 && !lineage.has(next); next = parents.get(next) ?? 0) lineage.add(next);
  return lineage;
}
