import { ReeveError } from '@reeve/contract';
import { userNameOf } from '@reeve/host';
import type { Announced } from '../../core/announced/announced.ts';
import type { Owner } from '../../core/interfaces.ts';
import { shown } from '../../core/shown-command.ts';
import type { HomeLook, LookedAt } from '../read/home-look.ts';
import type { Aim } from './aim.ts';

/** A process that was found, and a clause why. */
export interface Meant {
  readonly seen: LookedAt;
  readonly why: string;
}
export interface StopOf {
  readonly folder: string;
  readonly project: string;
  readonly services: readonly string[];
}
export interface KillPlan {
  /** The daemon stops these, with copies of them that were started manually, and they stay stopped. */
  readonly stops: readonly StopOf[];
  /** Services that were started manually: asked to end in order, and then looked at. */
  readonly byHand: readonly Announced[];
  /** Ended directly. */
  readonly direct: readonly Meant[];
}

export interface Rights {
  readonly target: Aim;
  readonly force: boolean;
  readonly uid: number;
  /** What to type to end foreign processes too. */
  readonly forced: string;
}

/**
 * What is to be done about the processes that were found. A service of this home is stopped as a whole, by its daemon:
 * its restart policy would bring back what was ended behind its back; one that was started manually is asked
 * itself. A pid of one of its other processes, or a pattern that only such a one matches, means that process. Throws NOT_PERMITTED: all is done, or nothing.
 */
export function planKill(look: HomeLook, meant: readonly Meant[], rights: Rights): KillPlan {
  for (const each of meant) refuseProtected(look, each);
  for (const each of meant) refuseForeign(each, rights);
  const managed = meant.filter(({ seen }) => seen.owner !== null && meansService(seen.owner, rights.target));
  const owners = managed.flatMap(({ seen }) => seen.owner ?? []);
  const byHand = [...new Set(owners.flatMap((owner) => owner.byHand ?? []))];
  const stops = stopsOf(owners.filter((owner) => owner.byHand === null));
  const isStopped = ({ owner }: LookedAt): boolean => {
    if (owner?.isLive !== true) return false;
    if (owner.byHand !== null) return byHand.includes(owner.byHand);
    return stops.some((s) => s.folder === owner.folder && s.services.includes(owner.service));
  };
  return { stops, byHand, direct: meant.filter(({ seen }) => !isStopped(seen)) };
}

function meansService(owner: Owner, target: Aim): boolean {
  return owner.isLive && owner.folder !== null && (owner.isMain || target.kind === 'port' || target.kind === 'name');
}

function stopsOf(owners: readonly Owner[]): readonly StopOf[] {
  const stops = new Map<string, { folder: string; project: string; services: string[] }>();
  for (const { folder, project, service } of owners) {
    if (folder === null) continue;
    const stop = stops.get(folder) ?? { folder, project, services: [] };
    if (!stop.services.includes(service)) stop.services.push(service);
    stops.set(folder, stop);
  }
  return [...stops.values()];
}

function refuseProtected(look: HomeLook, { seen }: Meant): void {
  const { row, isReeve } = seen;
  const who = `pid ${row.pid} (${shown(row.command)})`;
  if (look.lineage.has(row.pid)) {
    const message = `${who} is this command, or has started it: ending it would end this command with it`;
    throw new ReeveError('NOT_PERMITTED', { message, hint: `end it from elsewhere: kill ${row.pid}` });
  }
  if (isReeve) {
    const hint = 'reeve daemon stop ends the daemon, and with --with-services all that it runs';
    throw new ReeveError('NOT_PERMITTED', { message: `${who} is a daemon or keeper of reeve`, hint });
  }
}

function refuseForeign({ seen, why }: Meant, { target, force, uid, forced }: Rights): void {
  const { row, owner, otherHome } = seen;
  if (owner !== null) return;
  const isOthers = row.uid !== uid;
  const what = `pid ${row.pid} (${shown(row.command)})`;
  const who = target.kind === 'pid' ? what : `${what}, which ${why},`;
  if (isOthers && uid !== 0) {
    const message = `${who} belongs to ${userNameOf(row.uid)}: you are not permitted to end it`;
    throw new ReeveError('NOT_PERMITTED', { message, hint: `as that user or as root: ${forced}` });
  }
  if (force) return;
  if (otherHome !== null) {
    const message = `${who} is a service's of another reeve home, whose daemon may start it again`;
    throw new ReeveError('NOT_PERMITTED', {
      message,
      hint: `reeve --home ${otherHome} ps --all; or all the same: ${forced}`,
    });
  }
  if (target.kind === 'pid' && !isOthers) return;
  const whose = isOthers ? `belongs to ${userNameOf(row.uid)} and ` : '';
  const message = `${who} ${whose}belongs to no project of this reeve home`;
  throw new ReeveError('NOT_PERMITTED', { message, hint: `to end it all the same: ${forced}` });
}
