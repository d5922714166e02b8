import type { Accepted, Calls, Requester } from '@reeve/contract';
import { withNeeded } from '../../core/graph/graph.ts';
import { restart, start } from '../../supervisor/intents/intents.ts';
import { endsKnown } from '../../supervisor/intents/known-ends.ts';
import { selectWhole } from '../../supervisor/intents/selection.ts';
import type { Project } from '../../supervisor/project.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { Caller } from '../stop/end-manual.ts';
import { replaceCopies } from './replace-copies.ts';

export interface StartCall {
  readonly requester: Requester;
  readonly caller: Caller;
}

/** `start`: services that reeve knows already, in the place of copies that were started manually. */
export async function startServices(
  supervisor: Supervisor,
  { project: ref, services, environment }: Calls['start']['params'],
  { requester, caller }: StartCall,
): Promise<Accepted> {
  const known = supervisor.find(ref);
  const wanted = withNeeded(known.edges(), startable(known, services));
  const replaced = await replaceCopies(supervisor, caller, known.row.folder, wanted);
  await endsKnown(supervisor, known);
  const project = supervisor.find(ref);
  return { ...start(supervisor, project, startable(project, services), environment, requester), replaced };
}

/** `restart`: a new process for each named service; with `force` the old one is killed at once. */
export async function restartServices(
  supervisor: Supervisor,
  { project: ref, services, force }: Calls['restart']['params'],
  { requester, caller }: StartCall,
): Promise<Accepted> {
  const known = supervisor.find(ref);
  const replaced = await replaceCopies(supervisor, caller, known.row.folder, startable(known, services));
  const project = supervisor.find(ref);
  const names = startable(project, services);
  const accepted = restart(supervisor, project, names, requester);
  if (force) hurryRestart(project, names);
  return { ...accepted, replaced };
}

/** Without names: what starts by itself. */
function startable(project: Project, services: readonly string[]): readonly string[] {
  const names = selectWhole(project, services);
  if (services.length > 0) return names;
  return names.filter((name) => {
    const { row } = project.service(name);
    return row.in_config && row.spec.autostart;
  });
}

function hurryRestart(project: Project, names: readonly string[]): void {
  for (const name of names) {
    for (const instance of project.service(name).instances) {
      if (!instance.isAlive()) continue;
      instance.post({ name: 'stop', cause: { kind: 'stale' } });
      instance.post({ name: 'hurry', grace: 0 });
    }
  }
}
