import type { RunOrigin } from '@reeve/contract';
import { NEW_MACHINE } from '../../core/lifecycle/table.ts';
import type { Machine } from '../../core/lifecycle/types.ts';
import type { IntentRow, RunRow, ServiceRow } from '../../core/registry.ts';
import { type Beginning, beginningOf, type Candidate, chooseRun, intentAfterLoss } from '../../core/take-over.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Instance } from '../instance.ts';
import { freeName } from '../intents/apply-config.ts';
import type { Project } from '../project.ts';
import { liveAgain } from '../run/live-again.ts';
import type { Supervisor } from '../supervisor.ts';
import { type KnownRun, knownRunOf } from './known-run.ts';

/** Of a start tick (USER_HZ is 100 everywhere). */
const MS_PER_TICK = 10;

/** The runs that are there whatever the registry says, by the instance they are of. */
export class RunsFound {
  readonly #supervisor: Supervisor;
  readonly #byId = new Map<string, Candidate[]>();

  constructor(supervisor: Supervisor, candidates: readonly Candidate[]) {
    this.#supervisor = supervisor;
    for (const candidate of candidates) {
      const same = this.#byId.get(candidate.id);
      if (same) same.push(candidate);
      else this.#byId.set(candidate.id, [candidate]);
    }
  }

  /**
   * The instance continues with the run that is there, when that is not the one its memory names (`remembered`). false:
   * memory and world agree, or nothing is there.
   */
  async takeOver(project: Project, instance: Instance, remembered: string | null): Promise<boolean> {
    const { goesOn, copies } = chooseRun(remembered, this.#byId.get(instance.id) ?? []);
    this.#byId.delete(instance.id);
    for (const copy of copies) tellCopy(instance, copy);
    const { registry } = this.#supervisor.deps;
    if (!goesOn || (goesOn.run === remembered && registry.runs.get(goesOn.run) !== null)) return false;
    await takeOver(this.#supervisor.deps, project, instance, goesOn);
    return true;
  }

  /** Services that the registry does not know at all are made again, under the names that their runs have. */
  async takeOverUnknown(): Promise<void> {
    const { deps } = this.#supervisor;
    for (const candidates of this.#byId.values()) {
      const { goesOn, copies } = chooseRun(null, candidates);
      // One that has ended and that the registry has never heard of ended while no daemon was there.
      const candidate = goesOn ?? candidates.find(({ run }) => deps.registry.runs.get(run) === null) ?? null;
      const known = candidate && (await knownRunOf(deps, candidate));
      if (!known) continue;
      const { project, instance } = declare(this.#supervisor, known);
      for (const copy of copies) tellCopy(instance, copy);
      await takeOver(deps, project, instance, candidate);
    }
    this.#byId.clear();
  }
}

/** Its project and service, made from what the run tells of itself where they are not known. */
function declare(supervisor: Supervisor, { project: row, service, index }: KnownRun): Place {
  const { registry } = supervisor.deps;
  const known = supervisor.projects.get(row.folder);
  const project = known ?? supervisor.newProject({ ...row, name: freeName(supervisor, row) });
  if (!known) registry.projects.save(project.row);
  const before = project.services.get(service.name);
  const spec = before?.row.spec ?? service.spec;
  if (!before || spec.instances <= index) {
    const declared: ServiceRow = { ...(before?.row ?? service), spec: { ...spec, instances: index + 1 } };
    // As old as can be: any run that is there is newer than this intent.
    const lost = {
      folder: row.folder,
      service: service.name,
      want: 'down',
      generation: 0,
      at: 0,
      by: 'recovery',
    } as const;
    const intent: IntentRow = before?.intent ?? lost;
    registry.services.save(declared);
    registry.intents.save(intent);
    project.put(declared, intent);
  }
  const instance = project.service(service.name).instances[index];
  if (!instance) throw new Error(`${service.name} has no instance ${index}`);
  return { project, instance };
}

interface Place {
  readonly project: Project;
  readonly instance: Instance;
}

async function takeOver(deps: Dependencies, project: Project, instance: Instance, candidate: Candidate): Promise<void> {
  const { registry, clock } = deps;
  const known = await knownRunOf(deps, candidate);
  const origin = known?.origin ?? null;
  const begun = beginningOf(origin, clock.now() - (clock.monotonic() - candidate.main.start * MS_PER_TICK));
  const generation = wantAgain(deps, project, instance, { begun, origin });
  const run = runRowOf(instance, candidate, { generation, startedAt: begun.at, origin });
  registry.runs.save(run);
  leaseAgain(deps, instance, run, origin);
  const live = await liveAgain(instance, run, candidate.main);
  const missed = candidate.exit === null ? [] : [{ name: 'exited', exit: candidate.exit } as const];
  instance.goOn(machineOf(candidate, generation, clock.monotonic()), live, missed);
  const { pid } = candidate.main;
  const by = candidate.by === 'keeper' ? 'its keeper holds it' : 'its processes were found';
  const message = `taken over, pid ${pid}: the registry did not know that it runs (${by})`;
  deps.log.warn({ service: instance.selector, project: project.row.name, run: run.run }, message);
  instance.tell('service.taken_over', message, { pid, by: candidate.by }, null);
}

/** What is wanted of its service from now on, and by which config. Returns the generation. */
function wantAgain(
  { registry, clock }: Dependencies,
  project: Project,
  instance: Instance,
  { begun, origin }: { readonly begun: Beginning; readonly origin: RunOrigin | null },
): number {
  const service = project.service(instance.spec.name);
  const { isNewer, ...wanted } = intentAfterLoss(service.intent, begun);
  if (!isNewer) return service.intent.generation;
  const { row } = service;
  const told = origin && {
    environment: origin.environment,
    spec: { ...origin.spec, instances: Math.max(origin.spec.instances, row.spec.instances) },
  };
  const declared: ServiceRow = { ...row, ...told };
  const intent: IntentRow = { ...service.intent, ...wanted, at: clock.now(), by: 'recovery' };
  registry.services.save(declared);
  registry.intents.save(intent);
  project.put(declared, intent);
  return intent.generation;
}

function leaseAgain(
  { registry, clock }: Dependencies,
  { spec }: Instance,
  run: RunRow,
  origin: RunOrigin | null,
): void {
  for (const { name, port, protocol } of origin?.ports ?? []) {
    const kind = spec.ports.some((p) => p.name === name && p.port === 'auto') ? 'auto' : 'fixed';
    const { folder, service, index } = run;
    registry.leases.take({ port, protocol, folder, service, index, name, kind, run: run.run, at: clock.now() });
  }
}

/** Whether it was ready is lost with the registry; its checks continue from here. */
function machineOf({ run, main }: Candidate, generation: number, now: number): Machine {
  return { ...NEW_MACHINE, generation, state: { name: 'running', run, process: main, since: now } };
}

function runRowOf(
  instance: Instance,
  { run, id, main, found }: Candidate,
  facts: { readonly generation: number; readonly startedAt: number; readonly origin: RunOrigin | null },
): RunRow {
  const { origin } = facts;
  const cgroup = origin?.cgroup ?? found?.witness.cgroup ?? null;
  const ports = (origin?.ports ?? []).map(({ port }) => port);
  return {
    run,
    folder: instance.project.row.folder,
    service: instance.spec.name,
    index: instance.index,
    generation: facts.generation,
    id,
    marks: { run, main, witness: { cookie: run, cgroup }, mark: origin?.mark ?? found?.mark ?? null, ports },
    started_at: Math.round(facts.startedAt),
    ready_at: null,
    ended_at: null,
    exit: null,
  };
}

/** Another copy of a service is never ended unasked: `stop` ends it. */
function tellCopy(instance: Instance, { main, run }: Candidate): void {
  const message = `another copy runs, pid ${main.pid}: reeve stop ${instance.spec.name} ends both`;
  instance.host.deps.log.warn({ service: instance.selector, pid: main.pid, run }, message);
  instance.tell('service.copy_found', message, { pid: main.pid }, null);
}
