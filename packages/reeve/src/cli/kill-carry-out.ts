import { type Receipt, type ReceiptService, ReeveError, type Survivor } from '@reeve/contract';
import { type Ending, endProcesses, lineageOf, portHolders, readStat, receiptProcess, scanStats } from '@reeve/host';
import type { KillTarget } from './command-line/kill-target.ts';
import type { Context } from './context.ts';
import { endByHand } from './end-by-hand.ts';
import { titleOf } from './find-matches.ts';
import type { HomeLook } from './home-look.ts';
import { type KillPlan, type Meant, type StopOf, shown } from './kill-plan.ts';
import { connectToStop, stopServices } from './stop-services.ts';

/** After the grace: how long killing and verifying may take. Milliseconds. */
const BUDGET = 5_000;
const UNSEEN = 'no run that the daemon watches: what had detached itself from it before cannot be seen';

/** A stop's receipt, of processes that need not be a project's. */
export interface KillReceipt extends Omit<Receipt, 'project'> {
  /** null: of no project, or of several. */
  readonly project: string | null;
  /** What was asked for, as it was typed. */
  readonly target: string;
  /** What to know or to type next, as sentences. */
  readonly notes: readonly string[];
}

export interface KillOrder {
  readonly target: KillTarget;
  /** As it was typed. */
  readonly typed: string;
  readonly plan: KillPlan;
  readonly look: HomeLook;
  /** Milliseconds until SIGKILL; null: ten seconds, or what the services declare. */
  readonly timeout: number | null;
}

const STANDARD_GRACE = 10_000;

/** Does what was planned, looks again, and tells what it saw. */
export async function carryOut(context: Context, order: KillOrder): Promise<KillReceipt> {
  const began = performance.now();
  const { plan } = order;
  const [stopped, byHand, direct] = await Promise.all([
    stopAll(context, order),
    endByHand(context, plan.byHand, { timeout: order.timeout, force: false, cleanUp: false }),
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

async function stopAll(context: Context, order: KillOrder): Promise<readonly Stopped[]> {
  if (order.plan.stops.length === 0) return [];
  try {
    await using client = await connectToStop(context);
    if (!client) return [];
    return await Promise.all(
      order.plan.stops.map(async ({ folder, project, services }) => {
        const wish = { services, call: 'stop', timeout: order.timeout, force: false, purge: false } as const;
        const receipt = await stopServices(context, { ...wish, client, project: { folder } });
        const names = services.join(' ');
        return { receipt, notes: [`${names} of ${project} is stopped and stays so until: reeve start ${names}`] };
      }),
    );
  } catch (error) {
    if (!(error instanceof ReeveError) || !isDown(error)) throw error;
    return Promise.all(order.plan.stops.map((stop) => endWithoutDaemon(order, stop, error)));
  }
}

/** The daemon is not there and cannot be started: what is seen of the service is ended all the same. */
function isDown({ code }: ReeveError): boolean {
  return code === 'DAEMON_UNREACHABLE' || code.startsWith('REGISTRY_') || code === 'DISK_FULL';
}

async function endWithoutDaemon(order: KillOrder, stop: StopOf, error: ReeveError): Promise<Stopped> {
  const { folder, project, services } = stop;
  const own = order.look.processes.filter(
    ({ owner }) => owner?.byHand === null && owner.folder === folder && services.includes(owner.service),
  );
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
  const lineage = lineageOf(process.pid, scanStats());
  const targets = meant.map(({ seen }) => ({
    process: seen.process,
    command: seen.row.command,
    foundBy: seen.owner?.foundBy ?? (order.target.kind === 'port' ? (['port'] as const) : []),
  }));
  return endProcesses(targets, {
    grace: order.timeout ?? STANDARD_GRACE,
    budget: BUDGET,
    spare: ({ pid }) => reeve.has(pid) || lineage.has(pid),
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

/** Somebody may have taken the port again at once: a supervisor that restarts what was ended. */
function stillListening(port: number, endings: readonly Ending[]): readonly Survivor[] {
  return portHolders(port).flatMap(({ process, command }) => {
    if (process === null || endings.some((each) => each.left !== null && each.process.pid === process.pid)) return [];
    const parent = readStat(process.pid)?.ppid ?? 0;
    const why = `it listens on port ${port} now; its parent is pid ${parent} (${shown(readStat(parent)?.comm ?? '?')}), which may start it again`;
    return [{ service: '', pid: process.pid, command: command ?? '', why }];
  });
}

/** One process of a service that goes on: its supervisor is not told, and the service may start another. */
function partNotes(meant: readonly Meant[]): readonly string[] {
  const parts = meant.flatMap(({ seen }) => (seen.owner?.isLive ? [seen.owner] : []));
  const names = new Map(parts.map(({ service, project }) => [`${service} of ${project}`, service]));
  return [...names].map(([name, service]) => `only a part of ${name} was ended; all of it: reeve stop ${service}`);
}
