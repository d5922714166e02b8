import { type HuntedView, ReeveError } from '@reeve/contract';
import { bootTicks, portHolders, TICKS_PER_SECOND, userNameOf } from '@reeve/host';
import { iso } from '../../base/instant.ts';
import { type HomeLook, lookAtHome } from '../read/home-look.ts';
import type { World } from '../read/world.ts';
import { findMatches, type Match } from './find-matches.ts';

/** `hunt`: the processes that a word means, for who asks (`askedBy`, a pid). Throws NOTHING_FOUND, USAGE. */
export function hunt(world: World, query: string, askedBy: number): readonly HuntedView[] {
  if (query.trim() === '') {
    throw new ReeveError('USAGE', { message: 'nothing to search for', hint: 'a name, pid, :port or text' });
  }
  const look = lookAtHome(world, askedBy);
  const matches = findMatches(look, query);
  if (matches.length === 0) throw nothing(look, query);
  return matches.map((match) => viewOf(match, look.at));
}

/** A name that is known and of which nothing runs is not the same as one that is not known. */
function nothing(look: HomeLook, query: string): ReeveError {
  const port = /^:?(\d{1,5})$/.exec(query)?.[1];
  const hidden = port === undefined ? undefined : portHolders(Number(port)).find(({ process }) => process === null);
  if (hidden) {
    const message = `port ${port} is held by a process of ${hidden.user}, which cannot be inspected`;
    return new ReeveError('NOTHING_FOUND', { message, hint: 'run as root to see which' });
  }
  const word = query.toLowerCase();
  const known = look.projects.flatMap(({ folder, name }) =>
    (look.services.get(folder) ?? []).filter((each) => each.toLowerCase() === word).map((each) => `${each} of ${name}`),
  );
  if (known.length === 0) return new ReeveError('NOTHING_FOUND', { message: `no process found for "${query}"` });
  const message = `${known.join(' and ')}: known to reeve, but not running`;
  return new ReeveError('NOTHING_FOUND', { message, hint: `reeve why ${query}` });
}

function viewOf({ seen, why, foundBy, confidence }: Match, now: number): HuntedView {
  const { row, owner, otherHome, isReeve, listens } = seen;
  return {
    pid: row.pid,
    started_at: startedAt(row.start, now),
    user: userNameOf(row.uid),
    command: row.command,
    project: owner?.project ?? null,
    service: owner?.service ?? null,
    instance: owner?.instance ?? null,
    run: owner?.byHand ? null : (owner?.run ?? null),
    main: owner?.isMain ?? false,
    ours: owner !== null,
    reeve: isReeve,
    home: otherHome,
    ports: [...new Set(listens.map(({ port }) => port))],
    memory_bytes: row.rss,
    found_by: foundBy,
    why,
    confidence,
  };
}

function startedAt(start: number, now: number): string | null {
  const ago = ((bootTicks() - start) * 1000) / TICKS_PER_SECOND;
  return Number.isFinite(ago) ? iso(now - ago) : null;
}
