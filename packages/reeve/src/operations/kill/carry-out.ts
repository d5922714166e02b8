import {
  type KillPush,
  type KillReceipt,
  type Progress,
  type Receipt,
  type ReceiptService,
  ReeveError,
  type Survivor,
} from '@reeve/contract';
import { type Ending, endProcesses, portHolders, readStat, receiptProcess } from '@reeve/host';
import { shown } from '../../core/shown-command.ts';
import type { HomeLook } from '../read/home-look.ts';
import { type Caller, endManual } from '../stop/end-manual.ts';
import type { Aim } from './aim.ts';
import { titleOf } from './find-matches.ts';
import type { KillPlan, Meant, StopOf } from './kill-plan.ts';

/** After the grace: how long killing and verifying may take. Milliseconds. */
const BUDGET = 5_000;
const UNSEEN = 'no run that the daemon watches: what had detached itself from it before cannot be seen';
const STANDARD_GRACE = 10_000;

/** Stops services as `stop` does; one receipt each, none where reeve has never run anything. */
export type StopThese = (
  stops: readonly StopOf[],
  timeout: number | null,
  push: (progress: Progress) => void,
) => Promise<readonly Receipt[]>;

export interface KillOrder {
  readonly target: Aim;
  /** As it was typed. */
  readonly typed: string;
  readonly plan: KillPlan;
  readonly look: HomeLook;
  /** Milliseconds until SIGKILL; null: ten seconds, or what the services declare. */
  readonly timeout: number | null;
  readonly caller: Caller;
  readonly stop: StopThese;
  readonly push: (value: KillPush) => void;
}

/** Does what was planned, looks again, and tells what it saw. */
export async function carryOut(order: KillOrder): Promise<KillReceipt> {
  const began = performance.now();
  const { plan } = order;
  const [stopped, byHand, direct] = await Promise.all([
    stopAll(order),
    endManual(order.caller, plan.byHand, { timeout: order.timeout, force: false, cleanUp: false }),
    endDirectly(order, plan.direct),
  ]);
  const receipts = stopped.map(({ receipt }) => receipt);
  const again = order.target.kind === 'port' ? stillListening(order.target.port, direct) : [];
  const survivors = [
    ...[...receipts, ...byHand].flatMap((each) => each.survivors),
    ...leftOf(direct, plan.direct),
    ...again,
  ];
  const services = [
    ...receipts.flatMap((receipt) => receipt.services),
    ...byHand.map(({ receipt }) => receipt),
    ...serviceOf(order, direct),
  ];
  const projects = new Set([
    ...plan.stops.map((s) => s.project),
    ...plan.byHand.map(({ card }) => card.project),
    ...plan.direct.map((m) => m.seen.owner?.project ?? null),
  ]);
  const [project = null] = projects;
  return {
    project: projects.size === 1 ? project : null,
    target: order.typed,
    status: survivors.length === 0 ? 'COMPLETE' : 'INCOMPLETE',
    services,
    survivors,
    ms: Math.round(performance.now() - began),
    notes: [...stopped.flatMap(({ notes }) => notes), ...partNotes(plan.direct)],
  };
}

interface Stopped {
  readonly receipt: Receipt;
  readonly notes: readonly string[];
}

async function stopAll(order: KillOrder): Promise<readonly Stopped[]> {
  const { stops } = order.plan;
  if (stops.length === 0) return [];
  try {
    const receipts = await order.stop(stops, order.timeout, order.push);
    const notes = stops.map(({ project, services }) => {
      const names = services.join(' ');
      return `${names} of ${project} is stopped and stays so until: reeve start ${names}`;
    });
    return receipts.map((receipt, i) => ({ receipt, notes: notes.slice(i, i + 1) }));
  } catch (error) {
    if (!(error instanceof ReeveError) || !isDown(error)) throw error;
    return Promise.all(stops.map((stop) => endWithoutDaemon(order, stop, error)));
  }
}

/** The daemon is not there and cannot be started: what is seen of the service is ended all the same. */
function isDown({ code }: ReeveError): boolean {
  return code === 'DAEMON_UNREACHABLE' || code.startsWith('REGISTRY_') || code === 'DISK_FULL';
}

async function endWithoutDaemon(order: KillOrder, stop: StopOf, error: ReeveError): Promise<Stopped> {
  const { folder, project, services } = stop;
  const own = order.look.processes.filter(({ owner }) => owner?.folder === folder && services.includes(owner.service));
  const meant = own.map((seen): Meant => ({ seen, why: 'is part of it' }));
  const endings = await endDirectly(order, meant);
  const survivors = leftOf(endings, meant);
  const names = services.join(' ');
  const receipt: Receipt = {
    project,
    status: survivors.length === 0 ? 'COMPLETE' : 'INCOMPLETE',
    services: endings.length === 0 ? [] : [entry(names, endings, [])],
    survivors,
    ms: 0,
  };
  const note = `the daemon could not be asked (${error.message}): it will start ${names} again, unless you then say reeve stop ${names}`;
  return { receipt, notes: [note] };
}

async function endDirectly(order: KillOrder, meant: readonly Meant[]): Promise<readonly Ending[]> {
  if (meant.length === 0) return [];
  const { look } = order;
  const reeve = new Set(look.processes.filter(({ isReeve }) => isReeve).map(({ row }) => row.pid));
  const targets = meant.map(({ seen }) => ({
    process: seen.process,
    command: seen.row.command,
    foundBy: seen.owner?.foundBy ?? (order.target.kind === 'port' ? (['port'] as const) : []),
  }));
  return endProcesses(targets, {
    grace: order.timeout ?? STANDARD_GRACE,
    budget: BUDGET,
    spare: ({ pid }) => reeve.has(pid) || look.lineage.has(pid),
  });
}

function serviceOf(order: KillOrder, endings: readonly Ending[]): readonly ReceiptService[] {
  if (endings.length === 0) return [];
  const [only, ...others] = order.plan.direct;
  const name = only && others.length === 0 ? (only.seen.owner?.service ?? titleOf(only.seen)) : order.typed;
  const named = new Set(order.plan.direct.flatMap(({ seen }) => seen.listens.map(({ port }) => port)));
  if (order.target.kind === 'port') named.add(order.target.port);
  return [entry(name, endings, [...named])];
}

function entry(name: string, endings: readonly Ending[], ports: readonly number[]): ReceiptService {
  return {
    name,
    promise: 'best_effort',
    promise_reason: UNSEEN,
    processes: endings.map(receiptProcess),
    ports: ports.map((port) => ({ port, free: portHolders(port).length === 0 })),
    stop_commands: [],
  };
}

function leftOf(endings: readonly Ending[], meant: readonly Meant[]): readonly Survivor[] {
  return endings.flatMap(({ process, command, left }) => {
    const owner = meant.find(({ seen }) => seen.row.pid === process.pid)?.seen.owner;
    return left === null ? [] : [{ service: owner?.service ?? '', pid: process.pid, command, why: left }];
  });
}

/** Another process may have taken the port again at once: a supervisor that restarts what was ended. */
function stillListening(port: number, endings: readonly Ending[]): readonly Survivor[] {
  return portHolders(port).flatMap(({ process, command }) => {
    if (process === null || endings.some((each) => each.left !== null && each.process.pid === process.pid)) return [];
    const parent = readStat(process.pid)?.ppid ?? 0;
    const why = `it listens on port ${port} now; its parent is pid ${parent} (${shown(readStat(parent)?.comm ?? '?')}), which may start it again`;
    return [{ service: '', pid: process.pid, command: command ?? '', why }];
  });
}

/** One process of a service that keeps running: its supervisor does not know, and the service may start another. */
function partNotes(meant: readonly Meant[]): readonly string[] {
  const parts = meant.flatMap(({ seen }) => (seen.owner?.isLive ? [seen.owner] : []));
  const names = new Map(parts.map(({ service, project }) => [`${service} of ${project}`, service]));
  return [...names].map(([name, service]) => `only a part of ${name} was ended; all of it: reeve stop ${service}`);
}
