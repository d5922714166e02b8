import { type JournalRecord, type ProjectRef, ReeveError } from '@reeve/contract';
import type { StoredEvent } from '../core/memory.ts';
import { nearestName } from '../core/nearest-name.ts';
import { type Command, reconcile } from '../core/reconcile.ts';
import type { Actor, InstanceHost } from './actor.ts';
import type { Dependencies } from './dependencies.ts';
import { hear } from './hearing.ts';
import type { Instance } from './instance.ts';
import { withMain } from './launch.ts';
import { spawnedEnded } from './main-process.ts';
import { type EventRef, Outbox } from './outbox.ts';
import { type ManagedService, Project } from './project.ts';
import { recordStopCommand, servedBy } from './stop-command.ts';

/** One of the keepers: each counts its records for itself. */
export interface RecordSource {
  readonly place: { readonly number: number };
  /** Tells it how far its journal is written down; does nothing while it is being replaced. */
  acknowledge(seq: number): void;
}

/** Where the registry remembers how far the journal of a keeper's place is written down. */
export function keeperSeqFact(place: number): string {
  return place === 0 ? 'keeper_seq' : `keeper_seq:${place}`;
}

/**
 * Holds the projects and runs the one loop: intent × observation → commands. Whoever changes an intent, and every
 * instance whose state changes, asks for a turn; all turns of a tick are one.
 */
export class Supervisor implements InstanceHost {
  readonly deps: Dependencies;
  readonly outbox: Outbox;
  readonly projects = new Map<string, Project>();
  /** What is to be told once the transaction of a command is on disk. */
  readonly decided: (() => void)[] = [];
  readonly #due = new Set<Project>();
  readonly #listeners = new Set<(instance: Actor | null) => void>();
  readonly #eventListeners = new Set<(event: StoredEvent) => void>();
  /** Nothing is decided before everything is known, nor when the daemon goes. */
  #life: 'recovering' | 'deciding' | 'going' = 'recovering';
  /** The newest record of this turn that each keeper has not been told about yet. */
  readonly #told = new Map<RecordSource, number>();

  constructor(deps: Dependencies) {
    this.deps = deps;
    this.outbox = new Outbox(deps.registry, deps.log, (event) => {
      for (const listener of this.#eventListeners) listener(event);
    });
  }

  // ── the loop ───────────────────────────────────────────────────────────────────────────────────────────────────────

  changed(instance: Actor): void {
    const project = this.projects.get(instance.project.row.folder);
    if (project) this.turn(project);
    for (const listener of this.#listeners) listener(instance);
  }

  /** All that the last daemon remembered is taken up: from now on it is decided what to start and stop. */
  begin(): void {
    this.#life = 'deciding';
    for (const project of this.projects.values()) this.turn(project);
  }

  /** Reconcile the project, soon. */
  turn(project: Project): void {
    if (this.#life !== 'deciding') return;
    if (this.#due.size === 0) queueMicrotask(() => this.#reconcileDue());
    this.#due.add(project);
  }

  #reconcileDue(): void {
    const due = [...this.#due];
    this.#due.clear();
    for (const project of due) {
      for (const command of reconcile(project.world())) {
        const service = project.service(command.service);
        const instance = service.instances[command.index];
        if (instance) this.#tell(project, service, instance, command);
      }
    }
  }

  /** Each command follows from something: a wish, or what has happened to a dependency. */
  #tell(project: Project, service: ManagedService, instance: Instance, command: Command): void {
    switch (command.do) {
      case 'start': {
        const isNew = instance.machine.generation !== command.generation;
        instance.follow(isNew ? (lastOf(project, instance.heldBy) ?? service.wish) : lastOf(project, instance.heldBy));
        instance.heldBy = [];
        instance.post({ name: 'start', run: this.deps.newRunId(), generation: command.generation });
        return;
      }
      case 'hold':
        instance.heldBy = command.roots;
        instance.follow(lastOf(project, command.roots) ?? service.wish);
        instance.post({ name: 'hold', why: command.why, hopeless: command.hopeless });
        return;
      case 'lose':
        instance.follow(lastOf(project, command.roots));
        instance.post({ name: 'lost', why: command.why, action: command.action });
        return;
      case 'regain':
        instance.follow(lastOf(project, dependenciesOf(service)));
        instance.post({ name: 'regained' });
        return;
      case 'stop':
        instance.follow(service.wish);
        instance.post({ name: 'stop', cause: { kind: command.cause } });
        return;
    }
  }

  // ── who wants to know ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Called after each change of an instance (null: of an intent). Returns how to stop listening. */
  onChange(listener: (instance: Actor | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  onEvent(listener: (event: StoredEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }
  intentChanged(project: Project): void {
    this.turn(project);
    for (const listener of this.#listeners) listener(null);
  }

  // ── what the keeper tells ──────────────────────────────────────────────────────────────────────────────────────────

  record(record: JournalRecord, from: RecordSource): void {
    if (record.kind === 'reaped') this.#reaped(record);
    else this.#happened(record);
    this.#acknowledge(record.seq, from);
  }

  /** Without a mark it is anybody's: the run that knows the process takes it. */
  #reaped({ run, process, exit }: Extract<JournalRecord, { kind: 'reaped' }>): void {
    for (const project of this.projects.values()) {
      for (const { live } of project.instances()) {
        if (live && (run === null || live.row.run === run))
          live.processes.reaped(process, exit, run === null ? 'nothing' : 'mark');
      }
    }
  }

  #happened(record: Exclude<JournalRecord, { kind: 'reaped' }>): void {
    const served = servedBy(record.run);
    if (served !== null) {
      recordStopCommand(this.instanceOfRun(served), record, this.deps);
      return;
    }
    const instance = this.instanceOfRun(record.run);
    const live = instance?.live;
    if (instance && live) {
      if (record.kind === 'spawned' && !live.row.marks.main) {
        instance.attach(withMain(instance, live, record.process));
        instance.post({ name: 'spawned', process: record.process });
      } else if (record.kind === 'exited') {
        spawnedEnded(instance, record.process, record.exit);
      } else if (record.kind === 'notified' || record.kind === 'ready_fd' || record.kind === 'ipc') {
        hear(instance, record);
      } else if (record.kind === 'gap') {
        instance.tell(
          'service.log_gap',
          `output was lost: ${record.why}${record.bytes === null ? '' : ` (${record.bytes} bytes)`}`,
        );
      }
    }
  }

  #acknowledge(seq: number, from: RecordSource): void {
    const fact = keeperSeqFact(from.place.number);
    this.outbox.row(fact, () => this.deps.registry.facts.set(fact, String(seq)));
    if (this.#told.size === 0) this.outbox.effect(() => this.#acknowledgeNewest());
    this.#told.set(from, seq);
  }

  /** Once a turn, and only what is written down: the keeper may forget it then. */
  #acknowledgeNewest(): void {
    const told = [...this.#told];
    this.#told.clear();
    if (this.outbox.isFailing) return;
    for (const [from, seq] of told) from.acknowledge(seq);
  }

  instanceOfRun(run: string): Instance | null {
    for (const project of this.projects.values()) {
      for (const instance of project.instances()) if (instance.live?.row.run === run) return instance;
    }
    return null;
  }

  // ── projects ───────────────────────────────────────────────────────────────────────────────────────────────────────

  find(ref: ProjectRef): Project {
    const found = this.findIfKnown(ref);
    if (!found) throw unknownProject(ref);
    return found;
  }
  findIfKnown(ref: ProjectRef): Project | null {
    if (ref.folder !== undefined) return this.projects.get(ref.folder) ?? null;
    const wanted = ref.name?.toLowerCase();
    return [...this.projects.values()].find((p) => p.row.name.toLowerCase() === wanted) ?? null;
  }

  /** Service names of a selection (all when it is empty), refusing unknown ones with the nearest known. */
  select(project: Project, selection: readonly string[]): readonly string[] {
    const known = [...project.services.keys()];
    if (selection.length === 0) return known;
    return [...new Set(selection.map((wanted) => this.#resolveSelector(project, known, wanted)))];
  }

  /** `web:7` of two instances is nobody, and not all of them. */
  /** Like {@link select}, for what can only be wanted of whole services: an intent is a service's. */
  selectWhole(project: Project, selection: readonly string[]): readonly string[] {
    const names = this.select(project, selection);
    const part = selection.find((wanted) => /:\d+$/.test(wanted));
    if (part === undefined) return names;
    const name = part.replace(/:\d+$/, '');
    throw new ReeveError('USAGE', {
      message: `${part} is one instance, and this version starts, stops and restarts whole services`,
      hint: `name the service: ${name}`,
    });
  }

  #resolveSelector(project: Project, known: readonly string[], wanted: string): string {
    const name = this.#resolveName(project, known, wanted);
    const index = /:(\d+)$/.exec(wanted)?.[1];
    if (index === undefined || project.service(name).instances[Number(index)]) return name;
    throw new ReeveError('SERVICE_UNKNOWN', { name: wanted, project: project.row.name, near: name });
  }

  #resolveName(project: Project, known: readonly string[], wanted: string): string {
    const name = wanted.replace(/:\d+$/, '');
    const found = known.find((k) => k === name) ?? known.find((k) => k.toLowerCase() === name.toLowerCase());
    if (found) return found;
    throw new ReeveError('SERVICE_UNKNOWN', {
      name: wanted,
      project: project.row.name,
      near: nearestName(name, known) ?? undefined,
    });
  }

  add(project: Project): void {
    this.projects.set(project.row.folder, project);
  }
  remove(project: Project): void {
    for (const instance of project.instances()) instance.letGo();
    this.projects.delete(project.row.folder);
  }
  /** What has left the config and has ended is forgotten; its history stays. */
  removeService(project: Project, name: string): void {
    for (const instance of project.service(name).instances) instance.letGo();
    this.outbox.flush();
    project.services.delete(name);
    this.deps.registry.transaction('durable', () => this.deps.registry.services.remove(project.row.folder, name));
  }
  newProject(row: Project['row']): Project {
    const project = new Project(row, this);
    this.add(project);
    return project;
  }

  isAnythingWanted(): boolean {
    return [...this.projects.values()].some((p) =>
      [...p.services.values()].some((s) => s.intent.want === 'up' || s.instances.some((i) => i.isAlive())),
    );
  }

  isAnythingAlive(): boolean {
    return [...this.projects.values()].some((p) => p.instances().some((i) => i.isAlive()));
  }

  /** The daemon goes. Services and intents stay as they are. */
  letGo(): void {
    this.#life = 'going';
    for (const project of this.projects.values()) for (const instance of project.instances()) instance.letGo();
    this.outbox.flush();
  }
}

export function unknownProject({ name, folder }: ProjectRef): ReeveError {
  return new ReeveError('PROJECT_UNKNOWN', { name: name ?? folder ?? '' });
}

/** The newest event among these services' instances. */
function lastOf(project: Project, names: readonly string[]): EventRef | null {
  const refs = names
    .flatMap((name) => project.services.get(name)?.instances ?? [])
    .flatMap(({ last }) => (last ? [last] : []));
  // Without a number: told in this turn, and so the newest.
  return refs.find((ref) => ref.seq === null) ?? refs.toSorted((a, b) => (b.seq ?? 0) - (a.seq ?? 0))[0] ?? null;
}

function dependenciesOf(service: ManagedService): readonly string[] {
  return service.row.spec.depends_on.filter((d) => d.on_down !== 'ignore').map((d) => d.service);
}
