import type { Accepted, Applied, ReeveError, Requester } from '@reeve/contract';
import { withNeeded } from '../../core/graph/graph.ts';
import { costOf, type FieldChange, specChanges, withExecuted } from '../../core/spec/spec-changes.ts';
import { audit } from '../audit.ts';
import type { ManagedService, Project } from '../project.ts';
import type { Supervisor } from '../supervisor.ts';
import { type Declared, saveService, takeProject, takeServices } from './apply-config.ts';
import { durably } from './intent-transaction.ts';
import { isOnItsWay } from './needs-start.ts';
import { wantDown, wantDownFromMemory, wantUp } from './record-intent.ts';
import { selectWhole } from './selection.ts';
import { isUnwritable } from './unwritable.ts';

export interface ApplyRequest extends Declared {
  /** `changesOfRuns(…)`. */
  readonly executed: ReadonlyMap<string, readonly FieldChange[]>;
  readonly prune: boolean;
  readonly actor: Requester;
}

/** `up`: takes the config over and wants the named services (all that start by themselves, when none is named) up. */
export function apply(supervisor: Supervisor, request: ApplyRequest): Applied {
  return durably(supervisor, () => {
    const before = supervisor.projects.get(request.spec.folder)?.row ?? request.spec;
    const { project, renamedFrom } = takeProject(supervisor, request.spec);
    const changed = takeServices(supervisor, project, request, (spec, known) =>
      withExecuted(
        specChanges({ spec: known, project: before }, { spec, project: request.spec }),
        request.executed.get(spec.name) ?? [],
      ),
    );
    const changesOf = (service: ManagedService): readonly FieldChange[] => changed.get(service.row.spec.name) ?? [];
    const named = request.services.length > 0 ? selectWhole(project, request.services) : autostarting(project);
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
    const isActedOn = ([, changes]: readonly [string, readonly FieldChange[]]): boolean => costOf(changes) !== null;
    const names = [...changed].filter(isActedOn).map(([name]) => name);
    return { ...accepted, renamed_from: renamedFrom, changed: names, changes: Object.fromEntries(changed), removed };
  });
}

/** `start`: what reeve already knows; what has ended or failed is started again. */
export function start(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  environment: Readonly<Record<string, string>> | null,
  actor: Requester,
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

/** A start that is asked for does not wait for the end of the pause. The account of restarts continues. */
function endPauses(project: Project, names: readonly string[]): void {
  for (const name of names) {
    for (const instance of project.service(name).instances) {
      if (instance.machine.state.name === 'backoff') instance.post({ name: 'timer' });
    }
  }
}

/** `restart`: every named service gets a new process, whatever it does now. */
export function restart(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  actor: Requester,
): Accepted {
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

/** Returns why the intent could not be written down; it holds all the same, until the daemon ends. */
export function stop(
  supervisor: Supervisor,
  project: Project,
  names: readonly string[],
  actor: Requester,
  action: string,
): ReeveError | null {
  let unwritten: ReeveError | null = null;
  try {
    durably(supervisor, () => {
      wantDown(supervisor, project, names, actor, action);
      audit(supervisor, actor, action, project, names);
    });
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    unwritten = error;
    wantDownFromMemory(supervisor, project, names, actor, action);
  }
  supervisor.intentChanged(project);
  return unwritten;
}

function autostarting(project: Project): readonly string[] {
  return [...project.services.values()]
    .filter((s) => s.row.in_config && s.row.spec.autostart)
    .map((s) => s.row.spec.name);
}
