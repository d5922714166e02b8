import type { Accepted, Calls, Requester } from '@reeve/contract';
import { restart, start } from '../../supervisor/intents/intents.ts';
import { endsKnown } from '../../supervisor/intents/known-ends.ts';
import { selectWhole } from '../../supervisor/intents/selection.ts';
import type { Project } from '../../supervisor/project.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';

/** `start`: services that reeve knows already. */
export async function startServices(
  supervisor: Supervisor,
  { project: ref, services, environment }: Calls['start']['params'],
  requester: Requester,
): Promise<Accepted> {
  const project = supervisor.find(ref);
  await endsKnown(supervisor, project);
  return start(supervisor, project, startable(project, services), environment, requester);
}

/** `restart`: a new process for each named service; with `force` the old one is killed at once. */
export function restartServices(
  supervisor: Supervisor,
  { project: ref, services, force }: Calls['restart']['params'],
  requester: Requester,
): Accepted {
  const project = supervisor.find(ref);
  const names = startable(project, services);
  const accepted = restart(supervisor, project, names, requester);
  if (force) hurryRestart(project, names);
  return accepted;
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
