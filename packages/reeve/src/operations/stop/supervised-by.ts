import { isOfRun } from '../../core/announced/announced-view.ts';
import { runOf } from '../../core/lifecycle/table.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { Supervises } from './started-manually.ts';

/** What an instance of a service of this home has announced, as far as the daemon runs it. */
export function supervisedBy(supervisor: Supervisor): Supervises {
  const instances = [...supervisor.projects.values()]
    .flatMap((project) => project.instances())
    .map((instance) => ({ run: runOf(instance.machine.state), pid: instance.mainProcess()?.pid ?? null }));
  return (announced) => instances.some((instance) => isOfRun(announced, instance));
}
