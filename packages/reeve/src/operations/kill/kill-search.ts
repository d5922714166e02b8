import { ReeveError } from '@reeve/contract';
import { isHidden, isLiveState, portHolders, readStat } from '@reeve/host';
import { type Pattern, PatternTooSlow } from '../../base/pattern.ts';
import { nearestName } from '../../core/spec/nearest-name.ts';
import type { HomeLook, LookedAt } from '../read/home-look.ts';
import type { Aim } from './aim.ts';
import { belongsTo, isKernels, listensOn, titleOf } from './find-matches.ts';
import type { Meant, StopOf } from './kill-plan.ts';

export interface Found {
  readonly meant: readonly Meant[];
  /** A service that was named: stopped whether or not anything of it runs, since it may be about to. */
  readonly named: StopOf | null;
}

/** Who is meant. Throws NOTHING_FOUND, or NOT_PERMITTED where an owner cannot be seen. */
export function searchFor(look: HomeLook, target: Aim, here: string | null): Found {
  switch (target.kind) {
    case 'pid':
      return { meant: byPid(look, target.pid), named: null };
    case 'port':
      return { meant: byPort(look, target.port), named: null };
    case 'pattern':
      return { meant: byPattern(look, target.pattern), named: null };
    case 'name':
      return byName(look, target, here);
  }
}

function byPid(look: HomeLook, pid: number): readonly Meant[] {
  const seen = look.processes.find(({ row }) => row.pid === pid);
  if (seen) return [{ seen, why: 'has that pid' }];
  const stat = readStat(pid);
  if (stat === null && isHidden(pid)) {
    const message = `pid ${pid} is another user's, and may not be looked at: it is not touched`;
    throw new ReeveError('NOT_PERMITTED', { message, hint: 'run as root to see what it is' });
  }
  const message =
    stat !== null && !isLiveState(stat)
      ? `pid ${pid} (${stat.comm}) has ended already: its parent, pid ${stat.ppid}, has not taken note of it`
      : `there is no process ${pid}`;
  throw new ReeveError('NOTHING_FOUND', { message, hint: 'reeve hunt NAME finds processes' });
}

function byPort(look: HomeLook, port: number): readonly Meant[] {
  const holders = portHolders(port);
  if (holders.length === 0) throw new ReeveError('NOTHING_FOUND', { message: `no process listens on port ${port}` });
  const hidden = holders.find(({ process }) => process === null);
  if (hidden) {
    const message = `port ${port} is held by a process of ${hidden.user}, which may not be looked at`;
    throw new ReeveError('NOT_PERMITTED', { message, hint: 'run as root to see which' });
  }
  return unique(
    holders.flatMap((holder) => {
      const seen = look.processes.find(({ process }) => process.pid === holder.process?.pid);
      return seen ? [{ seen, why: listensOn(holder) }] : [];
    }),
  );
}

/** Never reeve itself, nor this command and those above it: a shell's own command line holds the pattern. */
function byPattern(look: HomeLook, pattern: Pattern): readonly Meant[] {
  const meant = look.processes.filter(
    (seen) => !seen.isReeve && !look.lineage.has(seen.row.pid) && fits(seen, pattern),
  );
  if (meant.length > 0) return meant.map((seen) => ({ seen, why: `matches /${pattern.source}/` }));
  throw new ReeveError('NOTHING_FOUND', { message: `no command line matches /${pattern.source}/` });
}

function fits({ row }: LookedAt, pattern: Pattern): boolean {
  if (isKernels(row.command)) return false;
  try {
    return pattern.test(row.command);
  } catch (error) {
    if (!(error instanceof PatternTooSlow)) throw error;
    const message = `--pattern takes too long on the command line of pid ${row.pid}`;
    throw new ReeveError('USAGE', { message, hint: 'a simpler pattern, with smaller repetitions' });
  }
}

function byName(look: HomeLook, target: Extract<Aim, { kind: 'name' }>, here: string | null): Found {
  const found = serviceNamed(look, target, here);
  if (found) {
    const { isByHand, ...named } = found;
    const [service] = named.services;
    const own = look.processes.filter(
      ({ owner, isDetached }) => !isDetached && isOf(owner, named.folder, named.project, service),
    );
    return { meant: own.map(meantByName), named: isByHand ? null : named };
  }
  const left = look.processes.filter(
    ({ owner, isDetached }) =>
      owner !== null &&
      !isDetached &&
      same(owner.service, target.name) &&
      (target.project === null || same(owner.project, target.project)),
  );
  if (left.length > 0) return { meant: left.map(meantByName), named: null };
  const titled =
    target.project === null
      ? look.processes.filter((seen) => !look.lineage.has(seen.row.pid) && titleOf(seen) === target.name)
      : [];
  if (titled.length > 0)
    return { meant: titled.map((seen) => ({ seen, why: `is called ${target.name}` })), named: null };
  throw nobody(look, target);
}

function isOf(owner: LookedAt['owner'], folder: string, project: string, service: string | undefined): boolean {
  if (owner === null || owner.service !== service) return false;
  return owner.folder === null ? owner.project === project : owner.folder === folder;
}

function meantByName(seen: LookedAt): Meant {
  return { seen, why: seen.owner ? belongsTo(seen.owner) : 'has that name' };
}

/** The project of this folder first; else the only one that has such a service. Throws USAGE when several have. */
function serviceNamed(
  look: HomeLook,
  { project, name }: Extract<Aim, { kind: 'name' }>,
  here: string | null,
): (StopOf & { readonly isByHand: boolean }) | null {
  const known = look.projects.flatMap((row) => {
    if (project !== null && !same(row.name, project)) return [];
    const service = (look.services.get(row.folder) ?? []).find((each) => same(each, name));
    if (service === undefined) return [];
    return [{ folder: row.folder, project: row.name, services: [service], isByHand: false }];
  });
  const byFolder = new Map(known.map((each) => [each.folder, each]));
  for (const { owner } of look.processes) {
    if (!owner?.byHand || !same(owner.service, name)) continue;
    const { folder, project: whose, service } = owner.byHand.card;
    if (byFolder.has(folder) || (project !== null && !same(whose, project))) continue;
    byFolder.set(folder, { folder, project: whose, services: [service], isByHand: true });
  }
  const found = [...byFolder.values()];
  const own = found.find(({ folder, project }) => folder === here || project === here);
  if (own || found.length < 2) return own ?? found[0] ?? null;
  const owners = found.map((each) => each.project);
  throw new ReeveError('USAGE', {
    message: `${name} is a service of ${owners.join(' and of ')}`,
    hint: `say which: reeve kill ${owners[0]}/${name}`,
  });
}

function nobody(look: HomeLook, { name }: Extract<Aim, { kind: 'name' }>): ReeveError {
  const near = nearestName(name, [...look.services.values()].flat());
  const mentions = look.processes.filter(({ row }) => !look.lineage.has(row.pid) && row.command.includes(name));
  const hint =
    near !== null
      ? `did you mean ${near}?`
      : mentions.length > 0
        ? `${mentionedBy(mentions.map(({ row }) => row.pid))}; reeve hunt ${name} shows it, reeve kill PID ends it`
        : 'reeve ps --all lists the services, reeve hunt looks further';
  return new ReeveError('NOTHING_FOUND', { message: `no service and no process is called "${name}"`, hint });
}

function mentionedBy(pids: readonly number[]): string {
  const [first = 0, ...more] = pids;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return `the command line of process ${first}${others} mentions it`;
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** A holder of several sockets is one process. */
function unique(meant: readonly Meant[]): readonly Meant[] {
  const byPid = new Map<number, Meant>();
  for (const each of meant) {
    const { pid } = each.seen.row;
    const known = byPid.get(pid);
    byPid.set(pid, known ? { ...known, why: `${known.why} and ${each.why}` } : each);
  }
  return [...byPid.values()];
}
