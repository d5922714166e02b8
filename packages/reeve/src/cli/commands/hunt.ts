import { ReeveError } from '@reeve/contract';
import { bootTicks, portHolders, TICKS_PER_SECOND, userNameOf } from '@reeve/host';
import { iso } from '../../base/instant.ts';
import { type Context, printJson } from '../context.ts';
import { findMatches, type Match } from '../find-matches.ts';
import { type HomeLook, lookAtHome } from '../home-look.ts';
import { type Row, renderTable } from '../terminal/table.ts';

export async function run(context: Context): Promise<number> {
  const [query = ''] = context.args.positionals;
  if (query.trim() === '') {
    throw new ReeveError('USAGE', { message: 'nothing to search for', hint: 'a name, pid, :port or text' });
  }
  const look = await lookAtHome(context);
  const matches = findMatches(look, query);
  if (matches.length === 0) throw nothing(look, query);
  if (context.json) printJson(context, { query, processes: matches.map((match) => viewOf(match, look.at)) });
  else context.io.out.write(render(matches, context));
  return 0;
}

/** A name that is known and of which nothing runs is not the same as one that nobody knows. */
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

function viewOf({ seen, why, foundBy, confidence }: Match, now: number) {
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

function render(matches: readonly Match[], { style }: Pick<Context, 'style'>): string {
  const columns = [
    { title: 'PID', align: 'right' },
    { title: 'SERVICE', shrinksTo: 12 },
    { title: 'USER' },
    { title: 'PORTS', shrinksTo: 8 },
    { title: 'CONFIDENCE' },
    { title: 'WHY', shrinksTo: 24 },
    { title: 'COMMAND', shrinksTo: 16 },
  ] as const;
  const rows = matches.map(({ seen, why, confidence }): Row => {
    const { row, listens } = seen;
    const ports = [...new Set(listens.map(({ port }) => port))].join(' ');
    return [
      String(row.pid),
      whose(seen),
      userNameOf(row.uid),
      ports,
      confidence,
      `it ${why.join(', and ')}`,
      row.command,
    ];
  });
  return renderTable(columns, rows, style);
}

function whose({ owner, otherHome, isReeve }: Match['seen']): string | null {
  if (isReeve) return 'reeve itself';
  if (owner !== null) return `${owner.project}/${owner.service}${owner.instance ? `:${owner.instance}` : ''}`;
  return otherHome === null ? null : `of ${otherHome}`;
}
