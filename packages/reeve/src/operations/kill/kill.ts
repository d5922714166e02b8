import type { KillParams, KillPlanView, KillPush, KillReceipt } from '@reeve/contract';
import { lookAtHome } from '../read/home-look.ts';
import type { World } from '../read/world.ts';
import type { Caller } from '../stop/end-manual.ts';
import { aimAt } from './aim.ts';
import { carryOut, type StopThese } from './carry-out.ts';
import { type KillPlan, planKill, type StopOf } from './kill-plan.ts';
import { searchFor } from './kill-search.ts';

/** What a kill needs of the place where it is carried out. */
export interface KillPlace {
  readonly world: World;
  readonly caller: Caller;
  readonly stop: StopThese;
}

/** `kill`: searches, decides, says what it is about to end, ends it, and looks again. Throws NOTHING_FOUND, NOT_PERMITTED. */
export async function kill(
  { world, caller, stop }: KillPlace,
  params: KillParams,
  push: (value: KillPush) => void,
): Promise<KillReceipt> {
  const { typed, here, force, timeout } = params;
  const target = await aimAt(params.target);
  const look = lookAtHome(world, caller.pid);
  const { meant, named } = searchFor(look, target, here);
  const forced = `reeve kill ${target.kind === 'pattern' ? `--pattern '${target.pattern.source}'` : typed} --force`;
  const found = planKill(look, meant, { target, force, uid: process.getuid?.() ?? -1, forced });
  const isNew = named !== null && !found.stops.some(({ folder }) => folder === named.folder);
  const plan = withStops(found, isNew ? [named, ...found.stops] : found.stops);
  push({ plan: viewOf(plan) });
  return carryOut({ target, typed, plan, look, timeout, caller, stop, push });
}

/** A stop means the copies that were started manually, too. */
function withStops({ byHand, direct }: KillPlan, stops: readonly StopOf[]): KillPlan {
  const isStopped = ({ folder, service }: { readonly folder: string; readonly service: string }): boolean =>
    stops.some((stop) => stop.folder === folder && stop.services.includes(service));
  return { stops, byHand: byHand.filter(({ card }) => !isStopped(card)), direct };
}

function viewOf({ stops, byHand, direct }: KillPlan): KillPlanView {
  return {
    stops: stops.map(({ project, services }) => ({ project, services })),
    manual: byHand.map(({ card: { project, service, pid } }) => ({ project, service, pid })),
    direct: direct.map(({ seen: { row }, why }) => ({ pid: row.pid, command: row.command, why })),
  };
}
