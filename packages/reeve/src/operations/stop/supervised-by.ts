import { runOf } from '../../core/lifecycle/table.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { Supervises } from './started-manually.ts';

/** By the run that the card names, or by its process. */
export function supervisedBy(supervisor: Supervisor): Supervises {
  const instances = [...supervisor.projects.values()].flatMap((project) => project.instances());
  const runs = new Set(instances.map(({ machine }) => runOf(machine.state)));
  const pids = new Set(instances.map((instance) => instance.mainProcess()?.pid));
  return ({ card }) => (card.run !== null && runs.has(card.run)) || pids.has(card.pid);
}
