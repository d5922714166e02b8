import type { Receipt, ReceiptProcess, ReceiptService, Survivor } from '@reeve/contract';
import { longestChain } from '../core/graph/graph.ts';
import { KILL_BUDGET } from '../core/lifecycle/steps-stop.ts';
import type { Instance } from './instance.ts';
import type { Remains } from './instance-handle.ts';
import type { Project } from './project.ts';
import type { Supervisor } from './supervisor.ts';

/** What `stop` allows at least, when no declared timeouts ask for more. */
const LEAST_LIMIT = 10_000;

export interface StopRequest {
  readonly project: Project;
  readonly names: readonly string[];
  /** null: the longest chain of declared timeouts, at least ten seconds. */
  readonly timeout: number | null;
  readonly force: boolean;
}

/**
 * Waits until everything named is gone (the intent is down already), kills what is left when the limit is over, looks
 * for what else carries the mark of these services, and tells what it saw: the receipt.
 */
export async function stopAndProve(supervisor: Supervisor, request: StopRequest): Promise<Receipt> {
  const { clock } = supervisor.deps;
  const begun = clock.monotonic();
  const instances = request.names.flatMap((name) => request.project.service(name).instances);
  const active = instances.filter((i) => i.isAlive());
  for (const instance of instances) instance.remains = null;
  if (request.force) hurry(active);
  const limit = request.timeout ?? limitOf(request.project, request.names);
  if (!(await settled(supervisor, active, limit))) {
    hurry(active);
    await settled(supervisor, active, KILL_BUDGET);
  }
  const strays = await endStrays(supervisor, request);
  const services = await Promise.all(
    request.names.map((name) =>
      receiptOf(
        supervisor,
        request.project,
        name,
        active.filter((i) => i.spec.name === name),
        strays.get(name) ?? [],
      ),
    ),
  );
  const survivors = await survivorsOf(active);
  const leftStrays = [...strays.values()].flat().flatMap((s) => s.survivors);
  const all = [...survivors, ...leftStrays];
  return {
    project: request.project.row.name,
    status: all.length === 0 ? 'COMPLETE' : 'INCOMPLETE',
    services: services.filter((s) => s !== null),
    survivors: all,
    ms: Math.round(clock.monotonic() - begun),
  };
}

/** No more patience, whatever the order: everything gets SIGKILL. */
function hurry(instances: readonly Instance[]): void {
  for (const instance of instances) {
    instance.post({ name: 'stop', cause: { kind: 'asked' } });
    instance.post({ name: 'hurry' });
  }
}

/** The longest chain of declared stop timeouts among the named services, at least ten seconds. */
function limitOf(project: Project, names: readonly string[]): number {
  const wanted = new Set(names);
  const edges = new Map([...project.edges()].filter(([name]) => wanted.has(name)));
  return Math.max(
    LEAST_LIMIT,
    longestChain(edges, (name) => declaredTimeout(project, name)),
  );
}
function declaredTimeout(project: Project, name: string): number {
  const { stop } = project.service(name).row.spec;
  return stop.timeout_declared ? stop.timeout : 0;
}

function isSettled(instance: Instance): boolean {
  const { state } = instance.machine;
  return !instance.isAlive() || state.name === 'failed';
}

/** true: nobody named is alive any more, or reeve has given up on them; false: the limit is over. */
function settled(supervisor: Supervisor, instances: readonly Instance[], limit: number): Promise<boolean> {
  if (instances.every(isSettled)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (result: boolean): void => {
      clearTimeout(timer);
      unlisten();
      resolve(result);
    };
    const timer = setTimeout(finish, limit, false);
    const unlisten = supervisor.onChange(() => {
      if (instances.every(isSettled)) finish(true);
    });
  });
}

interface Stray {
  readonly remains: Remains;
  readonly survivors: readonly Survivor[];
}

/** Processes that carry the cookie of these services and belong to no live run are ended too, unless they are detached. */
async function endStrays(supervisor: Supervisor, request: StopRequest): Promise<ReadonlyMap<string, readonly Stray[]>> {
  const { platform, registry, home, clock } = supervisor.deps;
  const found = await platform.findByCookie(home);
  const runs = new Set(found.filter((f) => !f.isDetached).map((f) => f.run));
  const ended = new Map<string, Stray[]>();
  for (const run of runs) {
    if (supervisor.instanceOfRun(run)) continue;
    const row = registry.runs.get(run);
    if (!row || row.folder !== request.project.row.folder || !request.names.includes(row.service)) continue;
    const processes = platform.track(row.marks);
    const left = await processes.kill(clock.now() + KILL_BUDGET);
    const stray: Stray = {
      remains: { run, processes: processes.evidence(), promise: processes.promise, ports: [], stopCommand: null },
      survivors: left.length > 0 ? await processes.explainSurvivors(row.service) : [],
    };
    if (left.length === 0) await processes.dispose();
    ended.set(row.service, [...(ended.get(row.service) ?? []), stray]);
  }
  return ended;
}

async function receiptOf(
  supervisor: Supervisor,
  project: Project,
  name: string,
  instances: readonly Instance[],
  strays: readonly Stray[],
): Promise<ReceiptService | null> {
  const remains = [...instances.map((i) => i.remains), ...strays.map((s) => s.remains)].filter((r) => r !== null);
  if (remains.length === 0) return null;
  const processes: readonly ReceiptProcess[] = remains.flatMap((r) => r.processes);
  const weakest = remains.find((r) => r.promise.promise === 'best_effort') ?? remains[0];
  const ports = [...new Set(remains.flatMap((r) => r.ports))];
  const listeners = ports.length > 0 ? await supervisor.deps.platform.listeners() : [];
  return {
    name: project.service(name).row.spec.name,
    promise: weakest?.promise.promise ?? 'best_effort',
    promise_reason: weakest?.promise.reason ?? '',
    processes,
    ports: ports.map((port) => ({ port, free: !listeners.some((l) => l.port === port) })),
    stop_commands: remains.flatMap((r) => r.stopCommand ?? []),
  };
}

async function survivorsOf(instances: readonly Instance[]): Promise<readonly Survivor[]> {
  const lists = await Promise.all(
    instances
      .filter((i) => i.isAlive())
      .map(async (i) => (i.live ? i.live.processes.explainSurvivors(i.selector) : [])),
  );
  return lists.flat();
}
