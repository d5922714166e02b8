import { type ProjectRef, ReeveError } from '@reeve/contract';
import { reconcile } from '../core/graph/reconcile.ts';
import type { Owners } from '../core/interfaces.ts';
import type { StoredEvent } from '../core/registry.ts';
import type { Dependencies } from './dependencies.ts';
import type { Instance } from './instance.ts';
import type { Actor, InstanceHost } from './instance-handle.ts';
import { postCommand } from './intents/post-command.ts';
import { Outbox } from './outbox.ts';
import { findOwners } from './owners.ts';
import { Project } from './project.ts';

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

  owners(): Promise<Owners> {
    return findOwners(this.deps, this.projects.values());
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
      for (const command of reconcile(project.world())) postCommand(project, command, this.deps.newRunId);
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

  /** Whose present run it is; null: nobody's. */
  instanceOfRun(run: string): Instance | null {
    for (const project of this.projects.values()) {
      for (const instance of project.instances()) if (instance.live?.row.run === run) return instance;
    }
    return null;
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
