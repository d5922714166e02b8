import { type ProjectSpec, ReeveError, type ServiceSpec } from '@reeve/contract';
import { withNeeded } from '../../core/graph/graph.ts';
import type { IntentRow, ServiceRow } from '../../core/registry.ts';
import type { FieldChange } from '../../core/spec/spec-changes.ts';
import type { Project } from '../project.ts';
import type { Supervisor } from '../supervisor.ts';

/** A config as `up` brings it. */
export interface Declared {
  readonly spec: ProjectSpec;
  /** Of the caller; for the services it names and what they need. */
  readonly environment: Readonly<Record<string, string>>;
  /** Empty: all. */
  readonly services: readonly string[];
}

/** Takes over what a config says of its project. `renamedFrom`: the declared name, which another folder has already. */
export function takeProject(
  supervisor: Supervisor,
  spec: ProjectSpec,
): { project: Project; renamedFrom: string | null } {
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
export function freeName(supervisor: Supervisor, spec: Pick<ProjectSpec, 'name' | 'folder'>): string {
  if (!isTaken(supervisor, spec.name, spec.folder)) return spec.name;
  return `${spec.name}-${supervisor.deps.instanceId(spec.folder, '', 0).slice(0, 4)}`;
}

/** Takes over what a config says of its services. Returns how those that were known have changed, by name. */
export function takeServices(
  supervisor: Supervisor,
  project: Project,
  request: Declared,
  changesOf: (now: ServiceSpec, before: ServiceSpec) => readonly FieldChange[],
): ReadonlyMap<string, readonly FieldChange[]> {
  const { spec, environment, services } = request;
  const changed = new Map<string, readonly FieldChange[]>();
  const edges = new Map(spec.services.map((s) => [s.name, s.depends_on.map((d) => d.service)]));
  const touched = new Set(services.length > 0 ? withNeeded(edges, services) : edges.keys());
  for (const service of spec.services) {
    forgetOtherSpelling(supervisor, project, service.name);
    const known = project.services.get(service.name);
    // What it was started with is not known: the config is believed to be that.
    const isBare = known?.row.managed_by === 'adopted';
    const changes = known && !isBare ? changesOf(service, known.row.spec) : [];
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
  project.arrange(spec.services.map((s) => s.name));
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

/** A new service is not wanted up yet. */
export function saveService(supervisor: Supervisor, project: Project, row: ServiceRow): void {
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
