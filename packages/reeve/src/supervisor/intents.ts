import {
  type Accepted,
  type Actor,
  type Applied,
  type ProjectSpec,
  ReeveError,
  type ServiceSpec,
} from '@reeve/contract';
import { withNeeded } from '../core/graph.ts';
import type { IntentRow, ServiceRow } from '../core/memory.ts';
import { costOf, type FieldChange, specChanges } from '../core/spec-changes.ts';
import { durably } from './durably.ts';
import type { Instance } from './instance.ts';
import type { ManagedService, Project } from './project.ts';
import type { Supervisor } from './supervisor.ts';
import { isUnwritable } from './unwritable.ts';

export interface ApplyRequest {
  readonly spec: ProjectSpec;
  readonly environment: Readonly<Record<string, string>>;
  readonly services: readonly string[];
  readonly prune: boolean;
  readonly actor: Actor;
}

/** `up`: takes the config over and wants the named services (all that start by themselves, when none is named) up. */
export function apply(supervisor: Supervisor, request: ApplyRequest): Applied {
  return durably(supervisor, () => {
    const before = supervisor.projects.get(request.spec.folder)?.row ?? request.spec;
    const { project, renamedFrom } = takeProject(supervisor, request.spec);
    const changed = takeServices(supervisor, project, request, (spec, known) =>
      specChanges({ spec: known, project: before }, { spec, project: request.spec }),
    );
    const changesOf = (service: ManagedService): readonly FieldChange[] => changed.get(service.row.spec.name) ?? [];
    const named =
      request.services.length > 0 ? supervisor.selectWhole(project, request.services) : autostarting(project);
    const accepted = wantUp(
      supervisor,
      project,
      named,
      request.actor,
      (service) => costOf(changesOf(service)) === 'restart' || !isOnItsWay(service),
      { action: 'up', changesOf },
    );
    const removed = [...project.services.values()]
      .filter((s) => !s.row.in_config && s.row.managed_by === 'config')
      .map((s) => s.row.spec.name);
    if (request.prune) for (const name of removed) wantDown(supervisor, project, [name], request.actor, 'up --prune');
    audit(supervisor, request.actor, 'up', project, accepted.services);
    supervisor.intentChanged(project);
    return { ...accepted, renamed_from: renamedFrom, changed: [...changed.keys()], removed };
  });
}

/** `start`: what reeve already knows; what has ended or failed is started again. */
export function start(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  environment: Readonly<Record<string, string>> | null,
  actor: Actor,
): Accepted {
  const accepted = durably(supervisor, () => {
    const needed = withNeeded(project.edges(), names);
    if (environment)
      for (const name of needed) saveService(supervisor, project, { ...project.service(name).row, environment });
    const accepted = wantUp(supervisor, project, names, actor, (service) => !isOnItsWay(service), { action: 'start' });
    audit(supervisor, actor, 'start', project, accepted.services);
    supervisor.intentChanged(project);
    return accepted;
  });
  endPauses(project, accepted.services);
  return accepted;
}

/** Whoever asks for a start does not mean "after the pause": as if it were over. The account of restarts goes on. */
function endPauses(project: Project, names: readonly string[]): void {
  for (const name of names) {
    for (const instance of project.service(name).instances) {
      if (instance.machine.state.name === 'backoff') instance.post({ name: 'timer' });
    }
  }
}

/** `restart`: every named service gets a new process, whatever it does now. */
export function restart(supervisor: Supervisor, project: Project, names: readonly string[], actor: Actor): Accepted {
  return durably(supervisor, () => {
    const set = new Set(names);
    const accepted = wantUp(
      supervisor,
      project,
      names,
      actor,
      (service) => set.has(service.row.spec.name) || !isOnItsWay(service),
      { action: 'restart' },
    );
    audit(supervisor, actor, 'restart', project, accepted.services);
    supervisor.intentChanged(project);
    return accepted;
  });
}

export function stop(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  actor: Actor,
  action: string,
): void {
  try {
    durably(supervisor, () => {
      wantDown(supervisor, project, names, actor, action);
      audit(supervisor, actor, action, project, names);
    });
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    stopFromMemory(supervisor, project, names, actor, action);
  }
  supervisor.intentChanged(project);
}

/** A full disk must not keep anything running: the wish is written down as soon as there is room. */
function stopFromMemory(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  actor: Actor,
  action: string,
): void {
  const { deps, outbox } = supervisor;
  for (const name of names) {
    const service = project.service(name);
    service.intent = { ...service.intent, want: 'down', at: deps.clock.now(), by: describeActor(actor) };
    outbox.row(`intent ${project.row.folder} ${name}`, () => deps.registry.intents.save(service.intent));
    tellWish(supervisor, project, service, { action });
  }
}

// ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function takeProject(supervisor: Supervisor, spec: ProjectSpec): { project: Project; renamedFrom: string | null } {
  const known = supervisor.projects.get(spec.folder);
  const name = freeName(supervisor, spec);
  const row = { folder: spec.folder, name, config: spec.config, env: spec.env, env_files: spec.env_files };
  const project = known ?? supervisor.newProject(row);
  const isNew = !known || known.row.name !== name;
  project.row = row;
  supervisor.deps.registry.projects.save(row);
  return { project, renamedFrom: isNew && name !== spec.name ? spec.name : null };
}

function isTaken(supervisor: Supervisor, name: string, folder: string): boolean {
  return [...supervisor.projects.values()].some(
    (p) => p.row.folder !== folder && p.row.name.toLowerCase() === name.toLowerCase(),
  );
}

/** Two folders never share a name: the newcomer gets four hex digits of its path's hash. */
function freeName(supervisor: Supervisor, spec: ProjectSpec): string {
  if (!isTaken(supervisor, spec.name, spec.folder)) return spec.name;
  return `${spec.name}-${supervisor.deps.instanceId(spec.folder, '', 0).slice(0, 4)}`;
}

function takeServices(
  supervisor: Supervisor,
  project: Project,
  request: ApplyRequest,
  changesOf: (now: ServiceSpec, before: ServiceSpec) => readonly FieldChange[],
): ReadonlyMap<string, readonly FieldChange[]> {
  const { spec, environment, services } = request;
  const changed = new Map<string, readonly FieldChange[]>();
  const edges = new Map(spec.services.map((s) => [s.name, s.depends_on.map((d) => d.service)]));
  const touched = new Set(services.length > 0 ? withNeeded(edges, services) : edges.keys());
  for (const service of spec.services) {
    forgetOtherSpelling(supervisor, project, service.name);
    const known = project.services.get(service.name);
    const changes = known ? changesOf(service, known.row.spec) : [];
    // `up web` leaves what is not named, and runs, as it is.
    if (known && !touched.has(service.name) && known.instances.some((i) => i.isAlive())) continue;
    if (changes.length > 0) changed.set(service.name, changes);
    const row: ServiceRow = {
      folder: project.row.folder,
      name: service.name,
      spec: service,
      environment: touched.has(service.name) || !known ? environment : known.row.environment,
      managed_by: 'config',
      data: known?.row.data ?? null,
      in_config: true,
    };
    saveService(supervisor, project, row);
  }
  const inConfig = new Set(spec.services.map((s) => s.name));
  for (const [name, service] of project.services) {
    if (!inConfig.has(name) && service.row.managed_by === 'config' && service.row.in_config)
      saveService(supervisor, project, { ...service.row, in_config: false });
  }
  return changed;
}

/** Names are unique without regard to case: `web` that was `Web` is the same service, whose files bear another id. */
function forgetOtherSpelling(supervisor: Supervisor, project: Project, name: string): void {
  const other = [...project.services.keys()].find((k) => k !== name && k.toLowerCase() === name.toLowerCase());
  if (other === undefined) return;
  if (project.service(other).instances.some((i) => i.isAlive())) {
    throw new ReeveError('START_FAILED', {
      message: `${name} still runs under its old spelling, ${other}`,
      name: other,
    });
  }
  supervisor.removeService(project, other);
}

function saveService(supervisor: Supervisor, project: Project, row: ServiceRow): void {
  const { registry, clock } = supervisor.deps;
  registry.services.save(row);
  const known = project.services.get(row.name);
  const intent: IntentRow = known?.intent ?? {
    folder: row.folder,
    service: row.name,
    want: 'down',
    generation: 0,
    at: clock.now(),
    by: 'config',
  };
  if (!known) registry.intents.save(intent);
  project.put(row, intent);
}

function autostarting(project: Project): readonly string[] {
  return [...project.services.values()]
    .filter((s) => s.row.in_config && s.row.spec.autostart)
    .map((s) => s.row.spec.name);
}

function wantUp(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  actor: Actor,
  needsNew: (service: ManagedService) => boolean,
  wish: Omit<Wish, 'changes'> & { readonly changesOf?: (service: ManagedService) => readonly FieldChange[] },
): Accepted {
  const order = withNeeded(project.edges(), names);
  const already: string[] = [];
  for (const name of order) {
    const service = project.service(name);
    service.acceptedAt = supervisor.deps.clock.monotonic();
    if (isUnfinished(service)) continue;
    if (service.intent.want === 'up' && !needsNew(service)) already.push(name);
    else {
      saveIntent(supervisor, service, 'up', service.intent.generation + 1, actor);
      const changes = wish.changesOf?.(service) ?? [];
      supervisor.decided.push(() => tellWish(supervisor, project, service, { action: wish.action, changes }));
    }
  }
  return { project: project.row.name, services: order, already };
}

function wantDown(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  actor: Actor,
  action: string,
): void {
  for (const name of names) {
    const service = project.service(name);
    const isNews = service.intent.want === 'up';
    saveIntent(supervisor, service, 'down', service.intent.generation, actor);
    if (isNews) supervisor.decided.push(() => tellWish(supervisor, project, service, { action }));
  }
}

interface Wish {
  /** The command: `up`, `stop`, … */
  readonly action: string;
  /** What `up` found changed in the config. */
  readonly changes?: readonly FieldChange[];
}

/** What was wanted, by whom: the root of what follows from it. */
function tellWish(supervisor: Supervisor, project: Project, service: ManagedService, wish: Wish): void {
  const { want, by } = service.intent;
  const changes = wish.changes ?? [];
  const fields = changes.map(({ field }) => field).join(', ');
  service.wish = supervisor.outbox.event(
    {
      at: supervisor.deps.clock.now(),
      folder: project.row.folder,
      project: project.row.name,
      service: service.row.spec.name,
      instance: null,
      run: null,
      event: 'service.wanted',
      message: `wanted ${want}: ${wish.action}, by ${by}${fields && `; the config has changed: ${fields}`}`,
      data: { want, action: wish.action, by, changes },
    },
    null,
  );
}

function saveIntent(
  supervisor: Supervisor,
  service: ManagedService,
  want: IntentRow['want'],
  generation: number,
  actor: Actor,
): void {
  const intent: IntentRow = {
    ...service.intent,
    want,
    generation,
    at: supervisor.deps.clock.now(),
    by: describeActor(actor),
  };
  supervisor.deps.registry.intents.save(intent);
  service.intent = intent;
}

/** Somebody survived its last stop: a start is refused until they are gone, and not kept for later. */
function isUnfinished(service: ManagedService): boolean {
  return service.instances.some(({ machine }) => machine.state.name === 'failed' && machine.state.run !== null);
}

/** Runs, is about to, or has done what it was to do. */
function isOnItsWay(service: ManagedService): boolean {
  return service.instances
    .filter((i) => i.index < service.row.spec.instances)
    .every((instance) => isInstanceOnItsWay(service, instance));
}
function isInstanceOnItsWay(service: ManagedService, instance: Instance): boolean {
  switch (instance.machine.state.name) {
    case 'waiting':
    case 'spawning':
    case 'starting':
    case 'running':
    case 'paused':
    case 'backoff':
      return true;
    case 'completed':
      return instance.machine.generation === service.intent.generation;
    case 'stopping':
      return service.intent.want === 'up';
    case 'stopped':
    case 'failed':
      return instance.machine.generation !== service.intent.generation && service.intent.want === 'up';
  }
}

function audit(
  supervisor: Supervisor,
  actor: Actor,
  action: string,
  project: Project,
  services: readonly string[],
): void {
  const { registry, clock } = supervisor.deps;
  registry.audit.append({
    at: clock.now(),
    actor: describeActor(actor),
    action,
    target: `${project.row.name}: ${services.join(', ')}`,
    reason: null,
    outcome: 'accepted',
  });
}

export function describeActor(actor: Actor): string {
  return `${actor.kind}:${actor.user}:${actor.pid}`;
}
