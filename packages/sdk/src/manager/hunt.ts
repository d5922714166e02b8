import { ReeveError } from '@reeve/contract';
import { listListeners, type SocketOwner, userNameOf } from '@reeve/host';
import type { FoundProcess } from './action-result.ts';
import { lookAround, type Seen, type Surroundings, type WhereOptions } from './surroundings.ts';

/** A process that a query means, and by what. */
export interface HuntedProcess extends FoundProcess {
  /** What of it fits the query. */
  readonly foundBy: readonly ('pid' | 'port' | 'name' | 'title' | 'command')[];
  /** It is a process of a project of this home. */
  readonly ours: boolean;
  /** null: of none of this home. */
  readonly project: string | null;
  readonly service: string | null;
  /** On which it listens. */
  readonly ports: readonly number[];
}

/**
 * Everything that a word may mean: a service or project, a pid, a port (`:8080` only that), a title, or a part of a
 * command line. Never this program or what started it by its own command line. Empty when there is none. Throws USAGE
 * for an empty query.
 */
export async function hunt(query: string | number, options: WhereOptions = {}): Promise<readonly HuntedProcess[]> {
  const text = String(query).trim();
  if (text === '')
    throw new ReeveError('USAGE', { message: 'nothing to search for', hint: 'a name, pid, :port or text' });
  const around = await lookAround(options);
  const listeners = listListeners();
  return around.processes.flatMap((seen) => {
    const ports = listeners.filter((each) => each.process?.pid === seen.row.pid);
    const foundBy = meaningsOf(seen, text, ports, around);
    return foundBy.length === 0 ? [] : [hunted(seen, foundBy, ports)];
  });
}

function meaningsOf(
  { row, owner, startedAs }: Seen,
  query: string,
  ports: readonly SocketOwner[],
  { lineage }: Surroundings,
): HuntedProcess['foundBy'] {
  const found: HuntedProcess['foundBy'][number][] = [];
  const port = /^:?(\d{1,5})$/.exec(query)?.[1];
  if (String(row.pid) === query) found.push('pid');
  if (port !== undefined && ports.some((each) => each.port === Number(port))) found.push('port');
  if (query.startsWith(':')) return found;
  const word = query.toLowerCase();
  const names = owner === null ? [] : [owner.service, owner.project, `${owner.project}/${owner.service}`];
  if (names.some((name) => name.toLowerCase().includes(word))) found.push('name');
  if (lineage.has(row.pid)) return found;
  if (titleOf(row).toLowerCase() === word) found.push('title');
  else if ([row.command, startedAs.join(' ')].some((text) => text.toLowerCase().includes(word))) found.push('command');
  return found;
}

/** The title that a process has given itself, else the name of its program. */
function titleOf({ comm, command }: Seen['row']): string {
  const first = command.split(' ')[0] ?? '';
  return first.startsWith(comm) ? first : (first.split('/').at(-1) ?? comm);
}

function hunted(seen: Seen, foundBy: HuntedProcess['foundBy'], ports: readonly SocketOwner[]): HuntedProcess {
  const { owner } = seen;
  return {
    ...foundOf(seen),
    foundBy,
    ours: owner !== null,
    project: owner?.project ?? null,
    service: owner?.service ?? null,
    ports: [...new Set(ports.map(({ port }) => port))],
  };
}

export function foundOf({ row, process }: Seen): FoundProcess {
  return { pid: row.pid, name: row.comm, command: row.command, user: userNameOf(row.uid), process };
}
