import type { Progress, Receipt, ReceiptService, Survivor } from '@reeve/contract';
import { longestChain } from '../core/graph/graph.ts';
import { stopProgress } from '../core/graph/stop-progress.ts';
import { KILL_BUDGET } from '../core/lifecycle/steps-stop.ts';
import type { Project } from './project.ts';
import { receiptOf, type Stray, survivorsOf } from './receipt.ts';
import { StopCharge } from './stop-charge.ts';
import type { Supervisor } from './supervisor.ts';
import { strayRuns } from './take-over/stray-runs.ts';

/** What `stop` allows at least, when the services' own grace periods do not ask for more. */
const LEAST_LIMIT = 10_000;
/** How often waiting clients hear how much time remains. Milliseconds. */
const TELLING = 1_000;

export interface StopRequest {
  readonly project: Project;
  readonly names: readonly string[];
  /** null: the longest chain of the services' own grace periods, at least ten seconds. */
  readonly timeout: number | null;
  readonly force: boolean;
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Waits until everything named is gone (the intent is down already), kills what is left when the limit is over, looks
 * for what else carries the mark of these services, and tells what it saw: the receipt. What a newer command has taken
 * over meanwhile is left alone.
 */
export async function stopAndProve(supervisor: Supervisor, request: StopRequest): Promise<Receipt> {
  const { clock } = supervisor.deps;
  const { project, names } = request;
  const begun = clock.monotonic();
  const startedBefore = clock.now();
  using charge = new StopCharge(supervisor, project, names);
  using _telling = tellProgress(supervisor, request);
  if (request.force) charge.force();
  if (!(await charge.settled(request.timeout ?? limitOf(project, names)))) await charge.hurry();
  const own = names.filter((name) => !charge.isTakenOver(project.service(name)));
  const strays = await endStrays(supervisor, { project, names: own, startedBefore, charge });
  const services = await Promise.all(
    names.map(async (name) =>
      receiptOf(supervisor.deps, name, [
        ...(await charge.remains(name)),
        ...(strays.get(name) ?? []).map((s) => s.remains),
      ]),
    ),
  );
  const survivors = [...(await survivorsOf(charge.left)), ...[...strays.values()].flat().flatMap((s) => s.survivors)];
  const { takenOver } = charge;
  return {
    project: project.row.name,
    status: survivors.length === 0 ? 'COMPLETE' : 'INCOMPLETE',
    services: services.flatMap((service) => (service === null ? [] : kept(service, survivors))),
    survivors,
    ...(takenOver.length > 0 ? { taken_over: takenOver } : {}),
    ms: Math.round(clock.monotonic() - begun),
  };
}

/** No receipt promises that no process of a service is left while one is. */
function kept(service: ReceiptService, survivors: readonly Survivor[]): ReceiptService {
  const alive = new Set(survivors.map(({ pid }) => pid));
  const left = service.processes.filter(({ pid }) => alive.has(pid)).map(({ pid }) => `pid ${pid}`);
  if (left.length === 0) return service;
  return { ...service, promise: 'best_effort', promise_reason: `not kept: ${left.join(', ')} is still there` };
}

/** The longest chain of grace periods among the named services, at least ten seconds. */
function limitOf(project: Project, names: readonly string[]): number {
  const wanted = new Set(names);
  const edges = new Map([...project.edges()].filter(([name]) => wanted.has(name)));
  return Math.max(
    LEAST_LIMIT,
    longestChain(edges, (name) => project.service(name).row.spec.stop.timeout),
  );
}

/** Tells at once, at each change, and every second how the named services get on. */
function tellProgress(supervisor: Supervisor, { project, names, onProgress }: StopRequest): Disposable {
  if (!onProgress) return { [Symbol.dispose]: () => {} };
  const told = new Map<string, string>();
  const named = new Set(names);
  const tell = (some: Iterable<string>): void => {
    const outlook = project.outlook();
    for (const name of some) {
      if (!named.has(name)) continue;
      const progress = stopProgress(outlook, name, supervisor.deps.clock.monotonic());
      if (!progress) continue;
      const line = `${progress.state} ${progress.reason}`;
      if (told.get(name) !== line) onProgress({ service: name, ready: false, event: null, ...progress });
      told.set(name, line);
    }
  };
  tell(names);
  const timer = setInterval(tell, TELLING, names);
  const unlisten = supervisor.onChange((instance) => {
    if (instance === null) tell(names);
    // What it needs may have waited for its end.
    else if (instance.project === project)
      tell([instance.spec.name, ...instance.spec.depends_on.map(({ service }) => service)]);
  });
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      unlisten();
    },
  };
}

interface StrayRequest {
  readonly project: Project;
  readonly names: readonly string[];
  /** A run that is younger than the command is not meant. */
  readonly startedBefore: number;
  readonly charge: StopCharge;
}

/**
 * Runs of these services that no instance continues are ended too: what a keeper holds, and processes that carry their
 * cookie or is in their cgroup, unless it is detached. A receipt is not complete before.
 */
async function endStrays(
  supervisor: Supervisor,
  request: StrayRequest,
): Promise<ReadonlyMap<string, readonly Stray[]>> {
  const { platform, clock } = supervisor.deps;
  const ended = new Map<string, Stray[]>();
  for (const { service, marks, startedAt, isSeen } of await strayRuns(supervisor, request)) {
    if (!isSeen && request.charge.hasEnded(marks.run)) continue;
    if (startedAt !== null && startedAt > request.startedBefore) continue;
    const processes = platform.track(marks);
    const left = await processes.kill(clock.now() + KILL_BUDGET);
    const { run } = marks;
    const stray: Stray = {
      remains: { run, processes: processes.evidence(), promise: processes.promise, ports: [], stopCommand: null },
      survivors: left.length > 0 ? await processes.explainSurvivors(service) : [],
    };
    if (left.length === 0) await processes.dispose();
    ended.set(service, [...(ended.get(service) ?? []), stray]);
  }
  return ended;
}
