import { type ProjectRef, ReeveError } from '@reeve/contract';
import { affectedBy } from '../core/graph/conditions.ts';
import { reconcile } from '../core/graph/reconcile.ts';
import type { Owners } from '../core/interfaces.ts';
import type { StoredEvent } from '../core/registry.ts';
import type { Dependencies } from './dependencies.ts';
import type { Instance } from './instance.ts';
import type { Actor, InstanceHost } from './instance-handle.ts';
import { postCommand } from './intents/post-command.ts';
import { Outbox } from './outbox.ts';
import { lookAtOwners } from './owners.ts';
import { Pictures } from './picture.ts';
import { Project } from './project.ts';

/**
 * Holds the projects and runs the one loop: intent × observation → commands. What changes an intent, and every
 * instance whose state changes, asks for a turn; all turns of a tick are one.
 */
export class Supervisor implements InstanceHost {
  readonly deps: Dependencies;
  readonly outbox: Outbox;
  readonly projects = new Map<string, Project>();
  readonly pictures: Pictures;
  /** What is to be reported once the transaction of a command is on disk. */
  readonly decided: (() => void)[] = [];
  /** Whose services are to be looked at in the next turn: those that have changed, or all. */
  readonly #due = new Map<Project, Set<string> | 'all'>();
  readonly #byRun = new Map<string, Instance>();
  readonly #listeners = new Set<(instance: Actor | null) => void>();
  readonly #eventListeners = new Set<(event: StoredEvent) => void>();
  /** Nothing is decided before everything is known, nor when the daemon goes. */
  #life: 'recovering' | 'deciding' | 'going' = 'recovering';

  constructor(deps: Dependencies) {
    this.deps = deps;
    this.pictures = new Pictures(this);
    this.outbox = new Outbox(deps.registry, deps.log, (event) => {
      for (const listener of this.#eventListeners) listener(event);
    });
  }

  // ── the loop ───────────────────────────────────────────────────────────────────────────────────────────────────────

  changed(instance: Actor): void {
    const project = this.projects.get(instance.project.row.folder);
    if (project) this.#turn(project, { service: instance.spec.name });
    for (const listener of this.#listeners) listener(instance);
  }

  async owners(): Promise<Owners> {
    return (await lookAtOwners(this)).owners;
  }

  /** All that the last daemon remembered is taken up: from now on it is decided what to start and stop. */
  begin(): void {
    this.#life = 'deciding';
    for (const project of this.projects.values()) this.#turn(project, 'all');
  }

  /** Reconcile the project, soon: what can have changed with this service, or all of it. */
  #turn(project: Project, what: { readonly service: string } | 'all'): void {
    if (this.#life !== 'deciding') return;
    if (this.#due.size === 0) queueMicrotask(() => this.#reconcileDue());
    const due = this.#due.get(project);
    if (what === 'all' || due === 'all') this.#due.set(project, 'all');
    else if (due) due.add(what.service);
    else this.#due.set(project, new Set([what.service]));
  }

  #reconcileDue(): void {
    const due = [...this.#due];
    this.#due.clear();
    for (const [project, changed] of due) {
      try {
        this.#reconcile(project, changed);
      } catch (err) {
        this.deps.log.error({ err, project: project.row.name }, 'what to start and stop could not be decided');
      }
    }
  }

  #reconcile(project: Project, changed: ReadonlySet<string> | 'all'): void {
    const outlook = project.outlook();
    const names = changed === 'all' ? undefined : affectedBy(outlook, changed);
    for (const command of reconcile(outlook, names)) postCommand(project, command, this.deps.newRunId);
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
    this.pictures.forget();
    this.#turn(project, 'all');
    for (const listener of this.#listeners) listener(null);
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

  add(project: Project): void {
    this.projects.set(project.row.folder, project);
  }
  remove(project: Project): void {
    for (const instance of project.instances()) this.#drop(instance);
    this.projects.delete(project.row.folder);
    for (const listener of this.#listeners) listener(null);
  }
  /** What has left the config and has ended is forgotten; its history stays. */
  removeService(project: Project, name: string): void {
    for (const instance of project.service(name).instances) this.#drop(instance);
    this.outbox.flush();
    project.remove(name);
    this.deps.registry.transaction('durable', () => this.deps.registry.services.remove(project.row.folder, name));
    this.intentChanged(project);
  }
  newProject(row: Project['row']): Project {
    const project = new Project(row, this);
    this.add(project);
    return project;
  }

  /** Whose present run it is; null: no run of an instance. */
  instanceOfRun(run: string): Instance | null {
    return this.#byRun.get(run) ?? null;
  }
  attached(instance: Instance, before: string | null, now: string | null): void {
    if (before !== null && this.#byRun.get(before) === instance) this.#byRun.delete(before);
    if (now !== null) this.#byRun.set(now, instance);
  }
  #drop(instance: Instance): void {
    instance.letGo();
    this.attached(instance, instance.live?.row.run ?? null, null);
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
